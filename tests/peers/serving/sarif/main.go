// Command sarif checks a SARIF file against the schema of version 2.1.0:
//
//	sarif SCHEMA FILE RESULTS
//
// SCHEMA is go-sarif's schema.go, which holds the published schema as a string that it does not export; its own
// Validate looks at what it would write, not at what it read. RESULTS is how many results there have to be at least.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"

	_ "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif" // pins the module whose schema.go is read
	"github.com/xeipuuv/gojsonschema"
)

func main() {
	if err := check(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check(arguments []string) error {
	if len(arguments) != 3 {
		return errors.New("usage: sarif SCHEMA FILE RESULTS")
	}
	least, err := strconv.Atoi(arguments[2])
	if err != nil {
		return err
	}
	schema, err := longestString(arguments[0])
	if err != nil {
		return err
	}
	document, err := os.ReadFile(arguments[1])
	if err != nil {
		return err
	}
	result, err := gojsonschema.Validate(gojsonschema.NewStringLoader(schema), gojsonschema.NewBytesLoader(document))
	if err != nil {
		return err
	}
	for _, problem := range result.Errors() {
		fmt.Fprintln(os.Stderr, problem)
	}
	if !result.Valid() {
		return errors.New("the file does not follow the schema")
	}
	var log struct {
		Runs []struct{ Results []json.RawMessage }
	}
	if err := json.Unmarshal(document, &log); err != nil {
		return err
	}
	results := 0
	for _, run := range log.Runs {
		results += len(run.Results)
	}
	if len(log.Runs) == 0 || results < least {
		return fmt.Errorf("%d results in %d runs, expected at least %d", results, len(log.Runs), least)
	}
	return nil
}

// longestString returns the longest string literal of a Go file.
func longestString(path string) (string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		return "", err
	}
	longest := ""
	ast.Inspect(file, func(node ast.Node) bool {
		if literal, ok := node.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if text, err := strconv.Unquote(literal.Value); err == nil && len(text) > len(longest) {
				longest = text
			}
		}
		return true
	})
	return longest, nil
}
