package notify

import (
	"encoding/json"
	"strings"

	"github.com/intact-dev/intact/pkg/serve/happening"
)

// Slack refuses a message over these limits. Bytes are counted, which are never
// fewer than characters.
//
// https://docs.slack.dev/reference/block-kit/blocks/section-block
const (
	slackSection = 3000
	slackBlocks  = 50
	slackFall    = 3500 // of text: longer ones are cut by some receivers
)

type slackMessage struct {
	// Text is shown where blocks are not: in Mattermost, in Rocket.Chat, and in the
	// notices of Slack's own programs.
	Text   string       `json:"text"`
	Blocks []slackBlock `json:"blocks"`
}

type slackBlock struct {
	Type     string      `json:"type"`
	Text     *slackPart  `json:"text,omitempty"`
	Elements []slackPart `json:"elements,omitempty"`
}

// A slackPart is text in Slack's own markup. Verbatim keeps Slack from making
// links and calls of what only looks like one.
type slackPart struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Verbatim bool   `json:"verbatim"`
}

func slackBody(h happening.Happening) ([]byte, error) {
	var m slackMessage
	section := func(text string) {
		m.Blocks = append(m.Blocks, slackBlock{Type: "section", Text: &slackPart{"mrkdwn", text, true}})
	}
	head := "*" + slackText(h.Title, maxTitle) + "*"
	if h.Subject != "" {
		head += "\n`" + slackText(h.Subject, maxSubject) + "`"
	}
	section(head)
	lines, left := shown(h.Lines)
	all := make([]string, 0, len(lines)+1)
	for _, l := range lines {
		all = append(all, "• "+slackText(l, maxLine))
	}
	if left > 0 {
		all = append(all, moreLines(left))
	}
	for _, text := range chunks(all, slackSection) {
		section(text)
	}
	var facts []string
	for _, l := range labels(h) {
		facts = append(facts, l.name+": "+slackText(l.value, maxSubject))
	}
	foot := strings.Join(facts, " · ")
	if foot != "" { // labels are few and short: one element
		m.Blocks = append(m.Blocks, slackBlock{Type: "context", Elements: []slackPart{{"mrkdwn", clip(foot, slackSection), true}}})
	}
	m.Text = head
	for i, line := range append(all, foot) {
		// The foot comes in any case: it has the verdict.
		if i < len(all) && len(m.Text)+len(line)+len(foot)+len("\n\n"+ellipsis) > slackFall {
			continue
		}
		if line != "" {
			m.Text += "\n" + line
		}
	}
	return json.Marshal(m)
}

// chunks joins lines to texts of at most max bytes; no line is longer than that.
func chunks(lines []string, max int) []string {
	var out []string
	for _, l := range lines {
		if n := len(out); n > 0 && len(out[n-1])+1+len(l) <= max {
			out[n-1] += "\n" + l
			continue
		}
		out = append(out, l)
	}
	return out
}
