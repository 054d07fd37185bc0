// Fills in what expr-lang makes of the expressions in expressions.txt. In a module that has github.com/expr-lang/expr:
//
//	go run expect.go <expressions.txt >filled && mv filled expressions.txt
//
// An expression is a line of its own; the lines behind it, which this program writes, are the type that it has beforehand
// ("~ ...") and its value ("= TYPE VALUE"), or why it does not compile ("! ..."), or that it fails ("?"). \n in an expression
// is a line end. The names are those of test_expressions.c.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/expr-lang/expr"
)

func main() {
	env := map[string]any{
		"n": 7, "s": "www.example.", "half": 0.5, "yes": true, "list": []any{"a", "b"}, "m": map[string]any{"k": 1, "l": []any{2, 3}},
		"name": func() string { return "a.example." }, "type": func() string { return "AAAA" },
		"group": func(name any) string { return fmt.Sprint("<", name, ">") }, "add": func(a, b int) int { return a + b },
		"same":  func(a string) string { return a }, "fail": func() (bool, error) { return false, errors.New("failed") },
		"what": new(any),
	}
	run := map[string]any{}
	for k, v := range env {
		run[k] = v
	}
	run["what"] = any("x")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		line := in.Text()
		if line == "" || line[0] == '#' {
			fmt.Println(line)
			continue
		}
		if strings.HasPrefix(line, "= ") || strings.HasPrefix(line, "! ") || strings.HasPrefix(line, "~ ") || line == "?" {
			continue
		}
		fmt.Println(line)
		program, err := expr.Compile(strings.ReplaceAll(line, `\n`, "\n"), expr.Env(env), expr.DisableBuiltin("type"))
		if err != nil {
			text, _, _ := strings.Cut(err.Error(), "\n")
			fmt.Println("!", text)
			continue
		}
		if t := program.Node().Type(); t == nil {
			fmt.Println("~ unknown")
		} else {
			fmt.Println("~", t)
		}
		out, err := expr.Run(program, run)
		if err != nil {
			fmt.Println("?")
			continue
		}
		fmt.Printf("= %T %v\n", out, out)
	}
}
