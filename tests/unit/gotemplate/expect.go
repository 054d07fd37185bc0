// Fills in what Go's text/template makes of the templates in templates.txt:
//
//	go run tests/unit/gotemplate/expect.go <templates.txt >filled && mv filled templates.txt
//
// A template is a line of its own; the line behind it, which this program writes, is its output ("= ...") or its error
// ("! ..."). In all of them \n, \t, \r, \\ and \xNN are what they are in C. The data is that of test_templates.c.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"text/template"
)

type question struct {
	Name   string
	Qtype  uint16
	Qclass uint16
}

type message struct {
	Id       uint16
	Response bool
	Question []question
}

func (m *message) String() string { return "a message" }

type data struct {
	Name     string
	Type     string
	Match    []string
	Group    map[string]string
	Message  *message
	Question *question
	Var      map[string]any
	Three    int
	Half     float64
	Large    uint64
	Minus    int64
	Yes      bool
	None     []string
	Odd      string
}

func (d *data) Meta(name string) string { return "<" + name + ">" }
func (d *data) Add(a, b int) int        { return a + b }

func unescape(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 'n':
			out.WriteByte('\n')
		case 't':
			out.WriteByte('\t')
		case 'r':
			out.WriteByte('\r')
		case 'x':
			n, _ := strconv.ParseUint(s[i+1:i+3], 16, 8)
			out.WriteByte(byte(n))
			i += 2
		default:
			out.WriteByte(s[i])
		}
	}
	return out.String()
}

func escape(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\n':
			out.WriteString(`\n`)
		case c == '\t':
			out.WriteString(`\t`)
		case c == '\r':
			out.WriteString(`\r`)
		case c == '\\':
			out.WriteString(`\\`)
		case c < 0x20 || c >= 0x7f:
			fmt.Fprintf(&out, `\x%02x`, c)
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

func expect(text string) string {
	q := question{"wWw.example.", 28, 1}
	m := &message{4711, false, []question{q}}
	d := &data{"www.example.", "AAAA", []string{"www.example.", "www", ""}, map[string]string{"0": "www.example.", "a": "10", "b": "ff"},
		m, &q, map[string]any{"list": []any{1, "two", nil}, "n": 7, "none": nil}, 3, 0.5, 18446744073709551615, -5, true, nil,
		"<a href='x'>&\"\x00\x01\xff é \\"}
	t, err := template.New("answer").Funcs(template.FuncMap{"parseInt": strconv.ParseUint}).Parse(text)
	if err != nil {
		return "! " + escape(err.Error())
	}
	var out strings.Builder
	if err := t.Execute(&out, d); err != nil {
		return "! " + escape(err.Error())
	}
	return "= " + escape(out.String()) + "\n~ " + escape(t.Tree.Root.String())
}

func main() {
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		line := in.Text()
		switch {
		case line == "" || line[0] == '#':
			fmt.Println(line)
		case strings.HasPrefix(line, "= "), strings.HasPrefix(line, "! "), strings.HasPrefix(line, "~ "):
		default:
			fmt.Printf("%s\n%s\n", line, expect(unescape(line)))
		}
	}
}
