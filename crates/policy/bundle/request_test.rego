package proofhouse.request

import rego.v1

good := {
	"schema": "proofhouse.request/v1",
	"request": {"now_ns": 1, "method": "POST", "operation": "infer"},
	"principal": {"key_id": "k1", "role": "teller", "models": ["cheque-reader"]},
	"model": {
		"name": "cheque-reader",
		"digest": "sha256:0000000000000000000000000000000000000000000000000000000000000000",
		"quarantined": false,
	},
	"body": {"bytes": 10, "max_bytes": 10},
}

denied(d) := {r.code | some r in d.deny}

test_good if {
	d := decision with input as good
	d.allow
	d.deny == set()
}

test_every_model if {
	d := decision with input as object.union(good, {"principal": {"models": ["*"]}})
	d.allow
}

test_quarantined if {
	d := decision with input as object.union(good, {"model": {"quarantined": true}})
	not d.allow
	denied(d) == {"request/quarantined"}
}

test_other_model if {
	d := decision with input as object.union(good, {"principal": {"models": ["other"]}})
	denied(d) == {"request/model"}
}

test_operation_and_method if {
	d := decision with input as object.union(good, {"request": {"operation": "unload"}})
	denied(d) == {"request/operation"}
	e := decision with input as object.union(good, {"request": {"method": "GET"}})
	denied(e) == {"request/operation"}
}

test_too_large if {
	d := decision with input as object.union(good, {"body": {"bytes": 11}})
	denied(d) == {"request/too-large"}
}

test_site if {
	rule := {"code": "site/closed", "severity": "low", "subject": "x", "waivable": false, "msg": "closed"}
	d := decision with input as good with data.proofhouse.site.request as {rule}
	denied(d) == {"site/closed"}
}

test_malformed if {
	d := decision with input as object.remove(good, ["schema"])
	denied(d) == {"input/malformed"}
	e := decision with input as object.union(good, {"principal": {"models": [7]}})
	e.deny[_].subject == "principal.models.0"
	f := decision with input as {}
	not f.allow
}
