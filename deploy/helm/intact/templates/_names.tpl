{{- define "intact.labels" -}}
app.kubernetes.io/name: intact
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* By digest, unless somebody asked for less. */}}
{{- define "intact.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}{{ with .tag }}:{{ . }}{{ end }}@{{ .digest }}
{{- else if .allowTag -}}
{{ .repository }}:{{ required "image.allowTag is set, and there is no image.tag" .tag }}
{{- else -}}
{{ fail "image.digest is not set: give --set image.digest=sha256:…, or image.allowTag=true and image.tag to run whatever the tag points to" }}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "intact.ledger" -}}
{{- if eq .Values.store.kind "postgres" }}{{ .Values.store.postgres.url }}{{ else }}/var/lib/intact/intact.db{{ end -}}
{{- end }}

{{- define "intact.config" -}}
{{- $ledger := dict .Values.store.kind (include "intact.ledger" .) -}}
{{ toYaml (merge (dict "ledger" $ledger) .Values.config) }}
{{- end }}

{{/* By its content: a change is a rollout. */}}
{{- define "intact.configName" -}}
{{ .Release.Name }}-{{ print (include "intact.config" .) (toYaml .Values.files) | sha256sum | trunc 10 }}
{{- end }}

{{- define "intact.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "intact.security" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "intact.storeVolume" -}}
{{- if eq .Values.store.kind "sqlite" -}}
- name: store
  persistentVolumeClaim: {claimName: {{ .Values.store.sqlite.claim }}}
{{- else -}}
- name: postgres
  secret: {secretName: {{ .Values.store.postgres.secret }}, defaultMode: 0440}
{{- end -}}
{{- end }}
