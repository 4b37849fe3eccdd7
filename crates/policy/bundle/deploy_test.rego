package proofhouse.deploy

import rego.v1

model_digest := "sha256:1111111111111111111111111111111111111111111111111111111111111111"

other_digest := "sha256:2222222222222222222222222222222222222222222222222222222222222222"

good := {
	"schema": "proofhouse.deploy/v1",
	"request": {"now_ns": 100, "environment": "production", "region": "eu", "actor": "ops"},
	"model": {"name": "m", "version": "1", "digest": model_digest},
	"release": {
		"present": true,
		"digest": other_digest,
		"trusted": true,
		"allow": true,
		"model_digest": model_digest,
		"environments": ["production"],
		"regions": ["eu"],
		"expires_ns": 200,
	},
	"signature": {"verified": true, "trusted": true, "digest": model_digest},
	"target": {"kind": "host", "name": "here", "max_instances": 2},
	"instances": [{"id": "i1", "digest": model_digest, "state": "ready"}],
	"recalled": [],
}

denied(change) := codes if {
	d := decision with input as object.union(good, change)
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
	d.evidence == [other_digest]
	d.warn == set()
}

test_recalled if denied({"recalled": [model_digest]}) == {"deploy/recalled", "deploy/recall-unfinished"}

test_recalled_and_stopped if {
	stopped := {"recalled": [other_digest], "instances": [{"id": "i1", "digest": other_digest, "state": "stopped"}]}
	d := decision with input as object.union(good, stopped)
	d.allow
}

test_no_release if denied({"release": {"present": false}}) == {"release/missing"}

test_release_untrusted if denied({"release": {"trusted": false}}) == {"release/untrusted"}

test_release_refused if denied({"release": {"allow": false}}) == {"release/refused"}

test_release_other if denied({"release": {"model_digest": other_digest}}) == {"release/other-digest"}

test_release_expired if denied({"release": {"expires_ns": 100}}) == {"release/expired"}

test_environment if denied({"request": {"environment": "test"}}) == {"release/environment"}

test_region if denied({"request": {"region": "us"}}) == {"release/region"}

test_every_region if {
	d := decision with input as object.union(good, {"release": {"regions": ["*"]}, "request": {"region": "us"}})
	d.allow
}

test_signature_invalid if denied({"signature": {"verified": false}}) == {"signature/invalid"}

test_signature_untrusted if denied({"signature": {"trusted": false}}) == {"signature/untrusted"}

test_signature_other if denied({"signature": {"digest": ""}}) == {"signature/other-digest"}

test_too_many if denied({"target": {"max_instances": 1}}) == {"deploy/too-many"}

test_site if {
	rule := {"code": "site/frozen", "severity": "low", "subject": "x", "waivable": false, "msg": "frozen"}
	d := decision with input as good with data.proofhouse.site.deploy as {rule}
	not d.allow
}

test_warnings if {
	warned({"instances": [{"id": "i1", "digest": "", "state": "ready"}]}) == {"deploy/unattributed"}
	warned({"instances": [{"id": "i1", "digest": other_digest, "state": "ready"}]}) == {"deploy/mixed"}
}

test_malformed if {
	denied({"schema": "proofhouse.release/v1"}) == {"input/malformed"}
	denied({"instances": [{"id": ""}]}) == {"input/malformed"}
	denied({"recalled": [1]}) == {"input/malformed"}
	denied({"release": {"regions": [1]}}) == {"input/malformed"}
}
