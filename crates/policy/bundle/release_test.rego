package proofhouse.release

import rego.v1

model_digest := "sha256:1111111111111111111111111111111111111111111111111111111111111111"

system_digest := "sha256:2222222222222222222222222222222222222222222222222222222222222222"

data_digest := "sha256:3333333333333333333333333333333333333333333333333333333333333333"

threats_digest := "sha256:4444444444444444444444444444444444444444444444444444444444444444"

other_digest := "sha256:5555555555555555555555555555555555555555555555555555555555555555"

no_findings := {"critical": 0, "high": 0, "medium": 0, "low": 0, "info": 0}

scan_evidence := {
	"digest": "sha256:6666666666666666666666666666666666666666666666666666666666666666",
	"check": "scan",
	"subject": model_digest,
	"verdict": "pass",
	"fresh": true,
	"threats": ["T-PICKLE"],
	"signer": "assessor",
	"trusted": true,
	"criterion": "no finding of severity high or more",
	"measurements": [],
	"findings": no_findings,
}

evasion_evidence := object.union(scan_evidence, {
	"digest": "sha256:7777777777777777777777777777777777777777777777777777777777777777",
	"check": "evasion",
	"threats": ["T-EVASION"],
	"criterion": "upper bound of evasion success at most 0.3",
	"measurements": [
		{"name": "accuracy", "slice": "", "value": 0.97, "low": 0.95, "high": 0.98, "confidence": 0.95, "n": 1000},
		{"name": "accuracy", "slice": "class=1", "value": 0.9, "low": 0.85, "high": 0.95, "confidence": 0.95, "n": 100},
		{"name": "evasion-success", "slice": "", "value": 0.1, "low": 0.05, "high": 0.2, "confidence": 0.95, "n": 100},
	],
})

good := {
	"schema": "proofhouse.release/v1",
	"request": {"now_ns": 1800000000000000000, "environment": "production", "actor": "releaser"},
	"model": {
		"name": "cheque-reader",
		"version": "1.0.0",
		"digest": model_digest,
		"files": [{"path": "model.onnx", "size": 10, "sha256": other_digest}],
	},
	"signature": {
		"present": true,
		"verified": true,
		"trusted": true,
		"digest": model_digest,
		"signer": "builder",
	},
	"system": {"digest": system_digest},
	"threat_model": {
		"digest": threats_digest,
		"system_digest": system_digest,
		"threats": [
			{"id": "T-PICKLE", "severity": "high", "state": "open", "required_checks": ["scan"], "automatic": true},
			{"id": "T-EVASION", "severity": "high", "state": "controlled", "required_checks": ["evasion"], "automatic": true},
			{"id": "T-NONE", "severity": "high", "state": "not-applicable", "required_checks": ["extraction"], "automatic": true},
		],
	},
	"evidence": [scan_evidence, evasion_evidence],
	"bom": {
		"present": true,
		"digest": other_digest,
		"model_digest": model_digest,
		"files_match": true,
		"lint": {"high": 0, "medium": 0},
	},
	"datasets": [{"name": "train", "digest": data_digest, "provenance_verified": true, "licence": "CC0-1.0"}],
	"requirements": {
		"floors": [
			{"metric": "accuracy", "slice": "", "floor": 0.9, "confidence": 0.95},
			{"metric": "accuracy", "slice": "*", "floor": 0.8, "confidence": 0.95},
		],
		"ceilings": [{"metric": "evasion-success", "slice": "", "ceiling": 0.3, "confidence": 0.95}],
	},
	"waivers": [],
	"recalled": [other_digest],
}

judge(change) := d if {
	d := decision with input as object.union(good, change)
}

denied(change) := codes if {
	d := judge(change)
	not d.allow
	codes := {r.code | some r in d.deny}
}

warned(change) := {r.code | some r in judge(change).warn}

# The good input with one threat changed.
with_threat(change) := {"threat_model": {"threats": [
	good.threat_model.threats[0],
	object.union(good.threat_model.threats[1], change),
]}}

scanned(change) := {"evidence": [object.union(scan_evidence, change), evasion_evidence]}

attacked(change) := {"evidence": [scan_evidence, object.union(evasion_evidence, change)]}

test_good if {
	d := decision with input as good
	d.allow
	d.deny == set()
	d.warn == set()
	d.waived == set()
	d.evidence == {scan_evidence.digest, evasion_evidence.digest, threats_digest, other_digest}
}

test_malformed if {
	denied({"schema": "proofhouse.deploy/v1"}) == {"input/malformed"}
	denied({"model": {"files": [{}]}}) == {"input/malformed"}
	denied({"recalled": ["x"]}) == {"input/malformed"}
	denied(with_threat({"state": "fine"})) == {"input/malformed"}
	denied(with_threat({"required_checks": [1]})) == {"input/malformed"}
	denied(scanned({"threats": [1]})) == {"input/malformed"}
	denied(scanned({"measurements": [{}]})) == {"input/malformed"}
	denied({"waivers": [{}]}) == {"input/malformed"}
}

test_recalled if denied({"recalled": [model_digest]}) == {"model/recalled"}

test_no_files if denied({"model": {"files": []}}) == {"model/no-files"}

test_unsigned if denied({"signature": {"present": false}}) == {"signature/missing"}

test_signature_invalid if denied({"signature": {"verified": false}}) == {"signature/invalid"}

test_signature_untrusted if denied({"signature": {"trusted": false}}) == {"signature/untrusted"}

test_signature_of_another_model if denied({"signature": {"digest": other_digest}}) == {"signature/other-digest"}

test_untrusted_evidence if {
	denied(attacked({"trusted": false})) == {"evidence/untrusted", "threat/untested", "metric/missing"}
}

test_evidence_of_another_model if {
	denied(attacked({"subject": other_digest})) == {"evidence/other-subject", "threat/untested", "metric/missing"}
}

test_stale_evidence if denied(attacked({"fresh": false})) == {"evidence/stale", "threat/untested", "metric/missing"}

test_evidence_about_data_and_system if {
	extra := object.union(scan_evidence, {"check": "provenance", "subject": data_digest})
	judge({"evidence": [scan_evidence, evasion_evidence, extra]}).allow
	judge({"evidence": [scan_evidence, evasion_evidence, object.union(extra, {"subject": system_digest})]}).allow
}

test_check_failed if {
	extra := object.union(scan_evidence, {"check": "bias", "verdict": "fail"})
	denied({"evidence": [scan_evidence, evasion_evidence, extra]}) == {"check/failed"}
	unknown := object.union(extra, {"verdict": "unknown"})
	denied({"evidence": [scan_evidence, evasion_evidence, unknown]}) == {"check/inconclusive"}
}

test_not_scanned if denied({"evidence": [evasion_evidence]}) == {"scan/missing", "threat/untested"}

test_a_scan_of_the_data_is_no_scan_of_the_model if {
	"scan/missing" in denied(scanned({"subject": data_digest}))
}

test_scan_critical if denied(scanned({"findings": {"critical": 1}})) == {"scan/critical"}

test_scan_high if denied(scanned({"findings": {"high": 1}})) == {"scan/high"}

test_scan_failed if denied(scanned({"verdict": "fail"})) == {"scan/failed", "threat/failed"}

test_scan_inconclusive if denied(scanned({"verdict": "unknown"})) == {"scan/inconclusive", "threat/inconclusive"}

test_scan_medium if warned(scanned({"findings": {"medium": 1}})) == {"scan/medium"}

test_no_threats if denied({"threat_model": {"threats": []}}) == {"threat-model/empty"}

test_threats_of_another_system if {
	denied({"threat_model": {"system_digest": other_digest}}) == {"threat-model/other-system"}
}

test_untested if {
	denied(with_threat({"required_checks": ["extraction"]})) == {"threat/untested"}
	denied(with_threat({"required_checks": []})) == {"threat/untested"}
	denied(with_threat({"id": "T-OTHER"})) == {"threat/untested"}
	denied(with_threat({"state": "stale", "required_checks": ["evasion", "extraction"]})) == {"threat/untested"}
}

test_threat_failed if denied(attacked({"verdict": "fail"})) == {"threat/failed"}

test_threat_inconclusive if denied(attacked({"verdict": "unknown"})) == {"threat/inconclusive"}

test_one_failure_outweighs_a_pass if {
	again := object.union(evasion_evidence, {"verdict": "fail", "measurements": []})
	denied({"evidence": [scan_evidence, evasion_evidence, again]}) == {"threat/failed"}
}

test_accepted_needs_a_waiver if {
	denied(with_threat({"state": "accepted"})) == {"threat/accepted"}
	judge(object.union(with_threat({"state": "accepted"}), {"waivers": [waiver("threat/accepted", "T-EVASION")]})).allow
}

test_unknown_threat if {
	# With an automatic check that passes, not knowing whether it applies still denies.
	denied(with_threat({"state": "unknown"})) == {"threat/unknown"}
	warned(with_threat({"state": "unknown", "severity": "low"})) == {"threat/unknown"}
}

test_manual_threat if warned(with_threat({"state": "open", "automatic": false})) == {"threat/manual"}

test_no_bounds if {
	denied({"requirements": {"floors": []}}) == {"requirements/no-floor"}
	denied({"requirements": {"ceilings": []}}) == {"requirements/no-ceiling"}
}

test_below_floor if {
	denied({"requirements": {"floors": [{"metric": "accuracy", "slice": "", "floor": 0.96, "confidence": 0.95}]}}) == {"metric/below-floor"}
}

test_slice_below_floor if {
	floors := [{"metric": "accuracy", "slice": "class=1", "floor": 0.86, "confidence": 0.95}]
	denied({"requirements": {"floors": floors}}) == {"metric/below-floor"}
	every_class := [{"metric": "accuracy", "slice": "*", "floor": 0.86, "confidence": 0.95}]
	denied({"requirements": {"floors": every_class}}) == {"metric/below-floor"}
}

test_above_ceiling if {
	ceilings := [{"metric": "evasion-success", "slice": "", "ceiling": 0.15, "confidence": 0.95}]
	denied({"requirements": {"ceilings": ceilings}}) == {"metric/above-ceiling"}
}

test_point_estimates_do_not_count if {
	floors := [{"metric": "accuracy", "slice": "", "floor": 0.9, "confidence": 0.99}]
	denied({"requirements": {"floors": floors}}) == {"metric/missing"}
	never := [{"metric": "recall", "slice": "", "floor": 0.9, "confidence": 0.95}]
	denied({"requirements": {"floors": never}}) == {"metric/missing"}
}

test_no_bom if denied({"bom": {"present": false}}) == {"bom/missing"}

test_bom_of_another_model if denied({"bom": {"model_digest": other_digest}}) == {"bom/other-model"}

test_bom_differs if denied({"bom": {"files_match": false}}) == {"bom/files-differ"}

test_bom_lint if {
	denied({"bom": {"lint": {"high": 1}}}) == {"bom/lint"}
	warned({"bom": {"lint": {"medium": 1}}}) == {"bom/lint"}
}

test_datasets if {
	denied({"datasets": []}) == {"dataset/undeclared"}
	denied({"datasets": [object.union(good.datasets[0], {"provenance_verified": false})]}) == {"dataset/provenance"}
	denied({"recalled": [data_digest]}) == {"dataset/recalled"}
	warned({"datasets": [object.union(good.datasets[0], {"licence": " "})]}) == {"dataset/no-licence"}
}

test_site if {
	rule := {"code": "site/frozen", "severity": "low", "subject": "x", "waivable": false, "msg": "frozen"}
	d := decision with input as good with data.proofhouse.site.release as {rule}
	not d.allow
}

test_contradictory_measurements if {
	accuracy := {"name": "accuracy", "slice": "", "value": 0.9, "low": 0.95, "high": 0.98, "confidence": 0.95, "n": 9}
	with_measurement := {m |
		some change in [{}, {"value": 0.99}, {"value": 0.96, "confidence": 1}, {"value": 0.96, "confidence": -0.1}]
		m := object.union(accuracy, change)
	}
	every m in with_measurement {
		"evidence/contradiction" in denied(scanned({"measurements": [m]}))
	}
}

test_critical_findings_of_any_check if denied(attacked({"findings": {"critical": 1}})) == {"check/critical"}

# --- waivers ---

waiver(code, subject) := {
	"code": code,
	"subject": subject,
	"owner": "product",
	"approved_by": "security",
	"reason": "compensated by manual review until the next version",
	"expires_ns": good.request.now_ns + (30 * 86400000000000),
}

no_bom(change) := {"bom": {"present": false}, "waivers": [object.union(waiver("bom/missing", model_digest), change)]}

test_waived if {
	d := judge(no_bom({}))
	d.allow
	d.deny == set()
	[w] := [used | some used in d.waived]
	w.code == "bom/missing"
	w.waiver.approved_by == "security"
}

test_waiver_self_approved if {
	change := no_bom({"approved_by": " Product "})
	denied(change) == {"bom/missing"}
	warned(change) == {"waiver/self-approved"}
}

test_waiver_expired if {
	change := no_bom({"expires_ns": good.request.now_ns})
	denied(change) == {"bom/missing"}
	warned(change) == {"waiver/expired"}
}

test_waiver_too_long if {
	change := no_bom({"expires_ns": good.request.now_ns + (91 * 86400000000000)})
	denied(change) == {"bom/missing"}
	warned(change) == {"waiver/too-long"}
}

test_waiver_expiring if {
	change := no_bom({"expires_ns": good.request.now_ns + 86400000000000})
	judge(change).allow
	warned(change) == {"waiver/expiring"}
}

test_waiver_of_another_subject if denied(no_bom({"subject": other_digest})) == {"bom/missing"}

test_not_waivable if {
	change := {"signature": {"verified": false}, "waivers": [waiver("signature/invalid", model_digest)]}
	denied(change) == {"signature/invalid"}
	warned(change) == {"waiver/not-waivable"}
}
