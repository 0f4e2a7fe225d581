package notify

import (
	"encoding/json"
	"fmt"

	"github.com/intact-dev/intact/pkg/policy"
	"github.com/intact-dev/intact/pkg/serve/happening"
)

// teamsSize is what Teams accepts as one message, a little less than its 28 KB.
//
// https://learn.microsoft.com/microsoftteams/limits-specifications-teams
const teamsSize = 28_000

type teamsMessage struct {
	Type        string            `json:"type"`
	Attachments []teamsAttachment `json:"attachments"`
}

type teamsAttachment struct {
	ContentType string    `json:"contentType"`
	ContentURL  *string   `json:"contentUrl"` // null, which the flow expects
	Content     teamsCard `json:"content"`
}

// A teamsCard is an Adaptive Card.
//
// https://adaptivecards.io/explorer/AdaptiveCard.html
type teamsCard struct {
	Schema  string            `json:"$schema"`
	Type    string            `json:"type"`
	Version string            `json:"version"`
	Body    []teamsBlock      `json:"body"`
	Teams   map[string]string `json:"msteams"`
	// FallbackText is shown by programs that know no cards of this version. It is
	// read as Markdown, so it holds nothing from outside.
	FallbackText string `json:"fallbackText"`
}

// A teamsBlock is a RichTextBlock, whose runs know no Markdown.
type teamsBlock struct {
	Type    string     `json:"type"`
	Spacing string     `json:"spacing,omitempty"`
	Inlines []teamsRun `json:"inlines"`
}

type teamsRun struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Size     string `json:"size,omitempty"`
	Weight   string `json:"weight,omitempty"`
	Color    string `json:"color,omitempty"`
	FontType string `json:"fontType,omitempty"`
	Subtle   bool   `json:"isSubtle,omitempty"`
}

func teamsBody(h happening.Happening) ([]byte, error) {
	lines, left := shown(h.Lines)
	for {
		b, err := json.Marshal(teamsCardOf(h, lines, left))
		if err != nil || len(b) <= teamsSize {
			return b, err
		}
		if len(lines) == 0 {
			return nil, fmt.Errorf("a card has %d bytes without its lines, and Teams takes %d", len(b), teamsSize)
		}
		n := len(lines) - 1 - len(lines)/4
		left += len(lines) - n
		lines = lines[:n]
	}
}

func teamsCardOf(h happening.Happening, lines []string, left int) teamsMessage {
	block := func(spacing string, runs ...teamsRun) teamsBlock {
		return teamsBlock{Type: "RichTextBlock", Spacing: spacing, Inlines: runs}
	}
	run := func(text string) teamsRun { return teamsRun{Type: "TextRun", Text: text} }
	title := run(teamsText(h.Title, maxTitle))
	title.Size, title.Weight, title.Color = "Medium", "Bolder", teamsColor(h)
	card := teamsCard{
		Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4",
		Body: []teamsBlock{block("", title)}, Teams: map[string]string{"width": "Full"},
		FallbackText: "intact: " + string(h.Type),
	}
	if h.Subject != "" {
		subject := run(teamsText(h.Subject, maxSubject))
		subject.FontType = "Monospace"
		card.Body = append(card.Body, block("Small", subject))
	}
	for _, l := range lines {
		card.Body = append(card.Body, block("Small", run("• "+teamsText(l, maxLine))))
	}
	if left > 0 {
		card.Body = append(card.Body, block("Small", run(moreLines(left))))
	}
	for i, l := range labels(h) {
		spacing := "None"
		if i == 0 {
			spacing = "Medium"
		}
		name, value := run(l.name+": "), run(teamsText(l.value, maxSubject))
		name.Subtle, value.Subtle = true, true
		card.Body = append(card.Body, block(spacing, name, value))
	}
	return teamsMessage{Type: "message", Attachments: []teamsAttachment{{
		ContentType: "application/vnd.microsoft.card.adaptive", Content: card,
	}}}
}

// teamsColor is never that of good things for what is not known to be good.
func teamsColor(h happening.Happening) string {
	judged := h.Type == happening.ImageJudged || h.Type == happening.RunningChanged || h.Type == Folded
	switch {
	case judged && h.Verdict == policy.Allow:
		return "Good"
	case judged && h.Verdict == policy.Deny:
		return "Attention"
	}
	return "Warning"
}
