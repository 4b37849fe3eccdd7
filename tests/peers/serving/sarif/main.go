// Command sarif checks a SARIF file against the schema of version 2.1.0, which go-sarif carries:
//
//	sarif FILE RESULTS    RESULTS is how many results there have to be at least
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
)

func main() {
	if err := check(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check(arguments []string) error {
	if len(arguments) != 2 {
		return fmt.Errorf("usage: sarif FILE RESULTS")
	}
	least, err := strconv.Atoi(arguments[1])
	if err != nil {
		return err
	}
	file, err := os.Open(arguments[0])
	if err != nil {
		return err
	}
	defer file.Close()
	// Validate looks at what was read, so a member that was not read has to be an error here.
	var read sarif.Report
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&read); err != nil {
		return err
	}
	if err := read.Validate(); err != nil {
		return err
	}
	results := 0
	for _, run := range read.Runs {
		results += len(run.Results)
	}
	if results < least || len(read.Runs) == 0 {
		return fmt.Errorf("%d results in %d runs, expected at least %d", results, len(read.Runs), least)
	}
	return nil
}
