package puppet_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/extract/internal/casetest"
	"github.com/intact-dev/intact/pkg/extract/puppet"
)

const manifest = "manifests/init.pp"

func TestWhatManifestsRun(t *testing.T) {
	t.Parallel()
	const digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	casetest.Run(t, puppet.Extractor{}, manifest, []casetest.Case{
		{Name: "run", Files: "class x {\n  docker::run { 'app':\n    image => 'a:1', # intact:ignore REF001 why\n    ports => ['80:80'],\n  }\n}\n", Want: "3:15 a:1 {a:1} ignore REF001"},
		{Name: "image", Files: "docker::image { 'alpine': }\n::docker::image { \"alpine\": image_tag => '3' }\n", Want: "1:18 alpine {alpine}\n2:20 alpine:3 {:3}"},
		{Name: "image_by_attribute", Files: "docker::image { 'x': image => 'a', image_tag => '1' }\n", Want: "1:32 a:1 {:1}"},
		{Name: "digest", Files: "docker::image { 'x': image_digest => '" + digest + "' }\n", Want: "1:18 x@" + digest + " {@" + digest + "}"},
		{Name: "built", Files: "docker::image { 'x': docker_dir => '/x' }\ndocker::image { 'y': ensure => 'absent' }\n"},
		{Name: "several_bodies", Files: "docker::run {\n  'a': image => 'a:1';\n  'b': image => 'b:1',\n}\n", Want: "2:18 a:1 {a:1}\n3:18 b:1 {b:1}"},
		{Name: "variable", Files: "docker::run { $n: image => \"a:${v}\" }\ndocker::run { 'x': image => $i }\n",
			Want: "1:29 a:${v} ?what \"a:${v}\" is, is not evaluated\n2:29 $i ?what \"$i\" is, is not evaluated"},
		{Name: "comment", Files: "# docker::run { 'a': image => 'a:1' }\n/* docker::run { 'a': image => 'a:1' } */\n"},
		{Name: "condition", Files: "if $x == 'y' { docker::run { 'a': image => 'a:1' } }\ncase $x { 'a': { docker::run { 'b': image => 'b:1' } } }\n", Want: "1:45 a:1 {a:1}\n2:47 b:1 {b:1}"},
		{Name: "nested_values", Files: "docker::run { 'a': env => [{ image => 'no' }], image => 'a:1' }\n", Want: "1:58 a:1 {a:1}"},
		{Name: "cut_short", Files: "docker::run { 'a': image => 'a:1\n", Want: "1:30 a:1\n ?what \"a:1\\n\" is, is not evaluated\n1:29 problem unsupported: a text is not closed: what follows could not be read"},
		{Name: "regular_expression", Files: "if $x =~ /it's/ { docker::run { 'a': image => 'a:1' } }\nnode /^o'x/ { docker::run { 'b': image => 'b:1' } }\n", Want: "1:48 a:1 {a:1}\n2:44 b:1 {b:1}"},
		{Name: "heredoc_not_closed", Files: "$x = @(END)\n docker::run { 'a': image => 'a:1' }\n",
			Want: "2:37 problem unsupported: a text is not closed: what follows could not be read"},
		{Name: "after_a_heredoc_begins", Files: "docker::run { 'a': env => @(END), image => 'a:1' }\n it's\n END\n", Want: "1:45 a:1 {a:1}"},
	})
}

func TestChangesInPlace(t *testing.T) {
	t.Parallel()
	casetest.Run(t, puppet.Extractor{}, manifest, []casetest.Case{
		{Name: "package", Files: "package { 'nginx': ensure => installed }\n", Want: "1:12 object package \"nginx\": package nginx on hosts of the manifest"},
		{Name: "packages", Files: "package { ['a', 'b']: }\n", Want: "1:13 object package \"a\": package a,b on hosts of the manifest"},
		{Name: "removed", Files: "package { 'nginx': ensure => absent }\n"},
		{Name: "docker_exec", Files: "docker::exec { 'x': container => 'app', command => 'touch /x' }\n", Want: "1:17 object docker::exec \"x\": command touch /x on container app"},
		{Name: "exec", Files: "exec { 'x': command => '/usr/bin/docker exec app ls' }\nexec { 'docker exec a b': }\nexec { 'y': command => 'ls' }\n",
			Want: "1:9 object exec \"x\": command /usr/bin/docker exec app ls on a container, by docker exec\n2:9 object exec \"docker exec a b\": command docker exec a b on a container, by docker exec"},
		{Name: "heredoc", Files: "$x = @(END)\n  package { 'a': }\n  | END\npackage { 'b': }\n", Want: "4:12 object package \"b\": package b on hosts of the manifest"},
		{Name: "defaults_and_references", Files: "Package { ensure => present }\nnotify { 'x': require => Package['y'] }\n"},
	})
}

func FuzzManifest(f *testing.F) {
	casetest.Fuzz(f, puppet.Extractor{}, manifest,
		"class a { docker::run { ['x', $y]: image => 'a:1', env => [1]; 'z': image => \"b${c}\" } }\n# x\n/* y */\npackage { 'x': }\n$h = @(\"END\"/L)\n x\n |- END\n",
		"docker::image { 'a': image_tag => '1' }\nexec { 'docker exec a b': } docker::exec { 'x': command => 'y' }")
}
