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
	"guard": {
		"read": false,
		"enforced": true,
		"verdict": "none",
		"segments": 0,
		"hits": [],
		"attachments": 0,
		"attachments_pass": false,
	},
}

# A conversation that the guard has read.
chat := object.union(good, {
	"request": {"operation": "chat"},
	"guard": {"read": true, "verdict": "benign", "segments": 3},
})

attack := {"origin": "web", "trust": "untrusted", "verdict": "attack", "score_milli": 990, "alarms": []}

# The conversation with something found in it.
found(change) := object.union(chat, {"guard": {"hits": [object.union(attack, change)]}})

watched := {"guard": {"enforced": false}}

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

test_conversation if {
	d := decision with input as chat
	d.allow
	e := decision with input as object.union(chat, {"guard": {"read": false}})
	denied(e) == {"guard/unread"}
	f := decision with input as object.union(chat, {"request": {"operation": "messages"}})
	f.allow
	g := decision with input as object.union(chat, {"request": {"operation": "models", "method": "GET"}})
	g.allow
}

test_injection if {
	d := decision with input as found({})
	denied(d) == {"guard/injection"}
	e := decision with input as found({"trust": "principal"})
	denied(e) == {"guard/injection"}
	f := decision with input as found({"trust": "trusted"})
	f.allow
	g := decision with input as found({"verdict": "grey"})
	g.allow
	h := decision with input as object.union(found({}), watched)
	h.allow
}

test_unread_text if {
	d := decision with input as object.union(found({"verdict": "unread"}), watched)
	denied(d) == {"guard/unread"}
	e := decision with input as found({"verdict": "unread", "trust": "trusted"})
	e.allow
}

test_hidden_text if {
	d := decision with input as found({"verdict": "benign", "alarms": ["invisible-payload"]})
	denied(d) == {"guard/hidden-text"}
	e := decision with input as object.union(found({"verdict": "benign", "alarms": ["invisible-payload"]}), watched)
	e.allow
	f := decision with input as found({"verdict": "benign", "alarms": ["invisible-payload"], "trust": "trusted"})
	f.allow
}

test_attachment if {
	d := decision with input as object.union(chat, {"guard": {"attachments": 1}})
	denied(d) == {"guard/attachment"}
	e := decision with input as object.union(chat, {"guard": {"attachments": 1, "attachments_pass": true}})
	e.allow
}

test_malformed_guard if {
	d := decision with input as object.remove(chat, ["guard"])
	denied(d) == {"input/malformed"}
	e := decision with input as found({"alarms": 7})
	e.deny[_].subject == "guard.hits.0.alarms"
}
