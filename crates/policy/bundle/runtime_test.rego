package proofhouse.runtime

import rego.v1

zeros := "sha256:0000000000000000000000000000000000000000000000000000000000000000"

quiet := {
	"schema": "proofhouse.runtime/v1",
	"request": {"now_ns": 1, "environment": "production"},
	"signal": {
		"digest": zeros,
		"kind": "drift",
		"severity": "critical",
		"model_digest": zeros,
		"details": {"alarm": false, "columns": ["amount"], "budget": 0.05, "observations": 1000},
	},
	"system": {"digest": zeros, "value_at_risk": 200, "risk_appetite": 100, "has_fallback": true},
	"recalled": [],
}

judge(change) := d if {
	d := decision with input as object.union(quiet, change)
}

drift(severity, at_risk, fallback) := judge({
	"signal": {"severity": severity, "details": {"alarm": true}},
	"system": {"value_at_risk": at_risk, "has_fallback": fallback},
}).action

test_quiet if {
	d := decision with input as quiet
	d.allow
	d.action == "watch"
}

test_drift_table if {
	drift("critical", 200, true) == "recall"
	drift("critical", 200, false) == "recall"
	drift("critical", 50, false) == "quarantine"
	drift("high", 50, true) == "quarantine"
	drift("high", 200, false) == "quarantine"
	drift("high", 50, false) == "watch"
	drift("medium", 200, false) == "quarantine"
	drift("medium", 50, true) == "watch"
	drift("low", 200, true) == "watch"
}

test_breach_needs_no_alarm if {
	judge({"signal": {"kind": "integrity", "severity": "high"}}).action == "recall"
	judge({"signal": {"kind": "advisory", "severity": "critical"}}).action == "recall"
	d := judge({"signal": {"kind": "compromise", "severity": "low"}})
	d.action == "quarantine"
	d.deny[_].code == "runtime/doubt"
}

test_recalled if {
	d := judge({"recalled": [zeros], "signal": {"severity": "info"}})
	d.action == "recall"
	d.deny[_].code == "runtime/recalled"
}

test_an_alarm_without_budget_is_a_warning if {
	d := judge({"signal": {"details": {"alarm": true, "budget": 0.5}}})
	d.action == "watch"
	d.warn[_].code == "runtime/weak-alarm"
	e := judge({"signal": {"details": {"alarm": true, "budget": 0}}})
	e.action == "watch"
}

test_warnings if {
	d := judge({"signal": {"severity": "low", "details": {"alarm": true}}})
	d.warn[_].code == "runtime/alarm-watched"
	e := judge({"signal": {"details": {"alarm": true}}, "system": {"has_fallback": false}})
	e.warn[_].code == "runtime/no-fallback"
}

test_malformed if {
	d := decision with input as object.remove(quiet, ["system"])
	not d.allow
	d.action == "quarantine"
	e := judge({"schema": "other"})
	e.action == "quarantine"
	f := judge({"recalled": ["x"], "signal": {"details": {"columns": [""]}}})
	{r.subject | some r in f.deny} == {"recalled.0", "signal.details.columns.0"}
}
