package notify

import (
	"strings"
	"unicode/utf8"

	"github.com/intact-dev/intact/pkg/report"
)

// ellipsis stands where text was cut.
const ellipsis = "…"

// plain makes text from outside one line that can be seen as it is: control
// characters and those that change the direction of text or cannot be seen are
// written as escapes. Addresses are written so that no program makes a link of
// them, as https[:]//host, since a link in a message of ours would look like ours.
// It has at most max bytes and is not cut within a character.
func plain(s string, max int) string {
	return clip(strings.ReplaceAll(report.Escape(clip(s, max)), "://", "[:]//"), max)
}

// clip cuts s to at most max bytes, at a character, with an ellipsis.
func clip(s string, max int) string {
	if len(s) <= max {
		return s
	}
	if max < len(ellipsis) {
		return ""
	}
	n := max - len(ellipsis)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + ellipsis
}

// slackText is plain for Slack: its three control characters are entities, and
// code spans cannot be ended. A word after @ would call people in Mattermost and
// Rocket.Chat, and "](" would make a link there; in a digest the @ stays.
//
// https://docs.slack.dev/messaging/formatting-message-text#escaping
func slackText(s string, max int) string {
	s = plain(s, max)
	var b strings.Builder
	fit := 0 // up to where b can be cut
	for i, r := range s {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '`':
			b.WriteByte('\'')
		case r == '@' && !digestFollows(s[i+1:]):
			b.WriteRune('＠')
		case r == ']' && strings.HasPrefix(s[i+1:], "("):
			b.WriteString("] ")
		default:
			b.WriteRune(r)
		}
		if b.Len() <= max-len(ellipsis) {
			fit = b.Len()
		}
	}
	if b.Len() <= max {
		return b.String()
	}
	return b.String()[:fit] + ellipsis
}

func digestFollows(s string) bool {
	return strings.HasPrefix(s, "sha256:") || strings.HasPrefix(s, "sha512:")
}

// teamsText is plain for a TextRun of an Adaptive Card, which knows no Markdown:
// stars, brackets and links are shown as they are. Two braces are kept apart,
// because clients put dates in place of {{DATE(…)}}.
//
// https://learn.microsoft.com/adaptive-cards/authoring-cards/text-features
func teamsText(s string, max int) string {
	s = strings.ReplaceAll(plain(s, max), "{{", "{ {")
	return clip(strings.ReplaceAll(s, "{{", "{ {"), max)
}

// attribute is text for an attribute of a CloudEvent, which must not have control
// characters or be empty.
func attribute(s string, max int) string {
	return clip(report.Escape(clip(s, max)), max)
}
