package proofhouse.boundary

import rego.v1

digest := "sha256:1111111111111111111111111111111111111111111111111111111111111111"

page := {
	"place": "message",
	"message": 2,
	"segment": 0,
	"origin": "web",
	"name": "shop.example",
	"trust": "untrusted",
	"secrecy": "public",
}

words := {
	"place": "message",
	"message": 0,
	"segment": 0,
	"origin": "user",
	"name": "",
	"trust": "principal",
	"secrecy": "private",
}

trifecta := {
	"code": "flow/trifecta",
	"verdict": "needs-approval",
	"message": "all three",
	"argument": "",
	"path": [words, page],
}

source := {
	"code": "argument/source",
	"verdict": "deny",
	"message": "it stands in an untrusted text",
	"argument": "to",
	"path": [page],
}

# A person approved a mail that all three meet in.
good := {
	"schema": "proofhouse.boundary/v1",
	"request": {"now_ns": 100, "environment": "production"},
	"act": {
		"kind": "call",
		"tool": "mail",
		"declared": true,
		"effects": ["send"],
		"outbound": true,
		"digest": digest,
	},
	"context": {
		"digest": digest,
		"exposed": true,
		"exposed_by": [page],
		"private": true,
		"private_by": [words],
		"labels": [{"origin": "user", "name": "", "trust": "principal", "secrecy": "private", "segments": 1}],
	},
	"arguments": [{
		"argument": "to",
		"declared": true,
		"reads": "address",
		"known": false,
		"sources": [words],
		"trusted": true,
		"untrusted": false,
		"private": false,
	}],
	"builtin": {"verdict": "needs-approval", "reasons": [trifecta]},
	"approval": {"present": true, "by": "ada", "expires_ns": 200},
}

# Nothing but the user's words.
quiet := object.union(good, {
	"context": {"exposed": false, "exposed_by": []},
	"builtin": {"verdict": "allow", "reasons": []},
	"approval": {"present": false, "by": "", "expires_ns": 0},
})

denied(base, change) := codes if {
	d := decision with input as object.union(base, change)
	not d.allow
	codes := {r.code | some r in d.deny}
}

warned(change) := codes if {
	d := decision with input as object.union(good, change)
	codes := {r.code | some r in d.warn}
}

test_good if {
	d := decision with input as good
	d.allow
	d.warn == set()
	{w.code | some w in d.waived} == {"flow/trifecta"}
	{w.waiver.approved_by | some w in d.waived} == {"ada"}
}

test_quiet if {
	d := decision with input as quiet
	d.allow
	d.waived == set()
}

test_without_approval if {
	d := decision with input as object.union(good, {"approval": {"present": false}})
	not d.allow
	{[r.code, r.waivable] | some r in d.deny} == {["flow/trifecta", true]}
}

test_approval_has_ended if {
	denied(good, {"approval": {"expires_ns": 100}}) == {"flow/trifecta"}
	warned({"approval": {"expires_ns": 100}}) == {"boundary/approval-expired"}
}

test_approval_by_nobody if denied(good, {"approval": {"by": " "}}) == {"flow/trifecta", "boundary/contradiction"}

test_what_is_denied_is_not_approved if {
	d := decision with input as object.union(good, {"builtin": {"verdict": "deny", "reasons": [source, trifecta]}})
	not d.allow
	{[r.code, r.subject, r.waivable] | some r in d.deny} == {["argument/source", "to", false]}
}

test_the_three_meet_whatever_the_engine_says if {
	silent := {"builtin": {"verdict": "allow", "reasons": []}, "approval": {"present": false}}
	denied(good, silent) == {"flow/trifecta"}
}

test_two_of_three if {
	d := decision with input as object.union(quiet, {"context": {"exposed": true, "exposed_by": [page], "private": false, "private_by": []}})
	d.allow
	e := decision with input as object.union(
		quiet,
		{"act": {"outbound": false, "effects": ["write"]}, "context": {"exposed": true, "exposed_by": [page]}},
	)
	e.allow
}

test_undeclared_tool if denied(quiet, {"act": {"declared": false}}) == {"tool/undeclared"}

test_undeclared_argument if {
	argument := object.union(good.arguments[0], {"declared": false})
	denied(quiet, {"arguments": [argument]}) == {"argument/undeclared"}
	d := decision with input as object.union(quiet, {"arguments": [argument], "act": {"effects": ["read"], "outbound": false}})
	d.allow
}

test_contradictions if {
	both := {"boundary/contradiction"}
	denied(good, {"builtin": {"verdict": "allow"}}) == both
	denied(quiet, {"builtin": {"verdict": "deny"}}) == both
	denied(quiet, {"act": {"tool": ""}}) == both
	denied(quiet, {"act": {"effects": []}}) == both
	denied(quiet, {"act": {"outbound": false}}) == both
	denied(quiet, {"context": {"exposed_by": [page]}}) == both
	denied(good, {"context": {"exposed_by": []}}) == both
	denied(quiet, {"context": {"private_by": []}}) == both
	denied(quiet, {"context": {"private": false}}) == both
	denied(quiet, {"arguments": [object.union(good.arguments[0], {"trusted": false})]}) == both
	denied(quiet, {"arguments": [object.union(good.arguments[0], {"sources": []})]}) == both
	denied(quiet, {"arguments": [object.union(good.arguments[0], {"untrusted": true})]}) == both
}

test_answer if {
	answer := {"act": {"kind": "answer", "tool": "", "effects": [], "outbound": false}, "arguments": []}
	d := decision with input as object.union(quiet, answer)
	d.allow
	link := object.union(source, {"code": "link/host", "argument": ""})
	e := decision with input as object.union(quiet, object.union(answer, {"builtin": {"verdict": "deny", "reasons": [link]}}))
	{[r.code, r.subject] | some r in e.deny} == {["link/host", "answer"]}
}

test_site if {
	rule := {"code": "site/frozen", "severity": "low", "subject": "x", "waivable": false, "msg": "frozen"}
	d := decision with input as good with data.proofhouse.site.boundary as {rule}
	not d.allow
	{r.code | some r in d.deny} == {"site/frozen"}
}

test_warnings if {
	warned({"arguments": [object.union(good.arguments[0], {"untrusted": true})]}) == {"boundary/contested"}
	warned({"arguments": [object.union(good.arguments[0], {"private": true})]}) == {"boundary/private"}
}

test_malformed if {
	denied(good, {"schema": "proofhouse.request/v1"}) == {"input/malformed"}
	denied(good, {"act": {"kind": "deed"}}) == {"input/malformed"}
	denied(good, {"act": {"effects": ["fly"]}}) == {"input/malformed"}
	denied(good, {"context": {"exposed_by": [{}]}}) == {"input/malformed"}
	denied(good, {"arguments": [{}]}) == {"input/malformed"}
	denied(good, {"builtin": {"reasons": [object.remove(trifecta, ["path"])]}}) == {"input/malformed"}
	denied(good, {"approval": {"expires_ns": -1}}) == {"input/malformed"}
}
