# What the release gate's input must hold: every key the gate reads, each with its type. See shape.rego for
# why this comes before everything else.

package proofhouse.release

import rego.v1

import data.proofhouse.shape

malformed contains "input.schema" if not input.schema == "proofhouse.release/v1"

malformed contains path if {
	some path in shape.problems(input, "input", {
		"request": "record",
		"model": "record",
		"signature": "record",
		"system": "record",
		"threat_model": "record",
		"evidence": "list",
		"bom": "record",
		"datasets": "list",
		"requirements": "record",
		"waivers": "list",
		"recalled": "list",
	})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "request"), "request", {
		"now_ns": "count",
		"environment": "name",
		"actor": "name",
	})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "model"), "model", {
		"name": "name",
		"version": "name",
		"digest": "digest",
		"files": "list",
	})
}

malformed contains path if {
	files := shape.list(shape.part(input, "model"), "files")
	some path in shape.list_problems(files, "model.files", {"path": "name", "size": "count", "sha256": "digest"})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "signature"), "signature", {
		"present": "flag",
		"verified": "flag",
		"trusted": "flag",
		"digest": "digest or none",
		"signer": "text",
	})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "system"), "system", {"digest": "digest"})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "threat_model"), "threat_model", {
		"digest": "digest",
		"system_digest": "digest",
		"threats": "list",
	})
}

malformed contains path if {
	threats := shape.list(shape.part(input, "threat_model"), "threats")
	some path in shape.list_problems(threats, "threat_model.threats", {
		"id": "name",
		"severity": "severity",
		"state": "name",
		"required_checks": "list",
		"automatic": "flag",
	})
}

malformed contains path if {
	some index, threat in shape.list(shape.part(input, "threat_model"), "threats")
	not threat.state in {"open", "controlled", "accepted", "not-applicable", "stale", "unknown"}
	path := concat(".", ["threat_model.threats", format_int(index, 10), "state"])
}

malformed contains path if {
	some index, threat in shape.list(shape.part(input, "threat_model"), "threats")
	where := concat(".", ["threat_model.threats", format_int(index, 10), "required_checks"])
	some path in shape.element_problems(shape.list(threat, "required_checks"), where, "name")
}

malformed contains path if {
	some path in shape.list_problems(shape.list(input, "evidence"), "evidence", {
		"digest": "digest",
		"check": "name",
		"subject": "digest",
		"verdict": "verdict",
		"fresh": "flag",
		"threats": "list",
		"signer": "text",
		"trusted": "flag",
		"criterion": "text",
		"measurements": "list",
		"findings": "record",
	})
}

malformed contains path if {
	some index, item in shape.list(input, "evidence")
	where := concat(".", ["evidence", format_int(index, 10), "threats"])
	some path in shape.element_problems(shape.list(item, "threats"), where, "name")
}

malformed contains path if {
	some index, item in shape.list(input, "evidence")
	where := concat(".", ["evidence", format_int(index, 10), "measurements"])
	some path in shape.list_problems(shape.list(item, "measurements"), where, {
		"name": "name",
		"slice": "text",
		"value": "number",
		"low": "number",
		"high": "number",
		"confidence": "number",
		"n": "count",
	})
}

malformed contains path if {
	some index, item in shape.list(input, "evidence")
	where := concat(".", ["evidence", format_int(index, 10), "findings"])
	some path in shape.problems(shape.part(item, "findings"), where, {
		"critical": "count",
		"high": "count",
		"medium": "count",
		"low": "count",
		"info": "count",
	})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "bom"), "bom", {
		"present": "flag",
		"digest": "digest or none",
		"model_digest": "digest or none",
		"files_match": "flag",
		"lint": "record",
	})
}

malformed contains path if {
	lint := shape.part(shape.part(input, "bom"), "lint")
	some path in shape.problems(lint, "bom.lint", {"high": "count", "medium": "count"})
}

malformed contains path if {
	some path in shape.list_problems(shape.list(input, "datasets"), "datasets", {
		"name": "name",
		"digest": "digest",
		"provenance_verified": "flag",
		"licence": "text",
	})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "requirements"), "requirements", {
		"floors": "list",
		"ceilings": "list",
	})
}

malformed contains path if {
	floors := shape.list(shape.part(input, "requirements"), "floors")
	some path in shape.list_problems(floors, "requirements.floors", {
		"metric": "name",
		"slice": "text",
		"floor": "number",
		"confidence": "share",
	})
}

malformed contains path if {
	ceilings := shape.list(shape.part(input, "requirements"), "ceilings")
	some path in shape.list_problems(ceilings, "requirements.ceilings", {
		"metric": "name",
		"slice": "text",
		"ceiling": "number",
		"confidence": "share",
	})
}

malformed contains path if {
	some path in shape.list_problems(shape.list(input, "waivers"), "waivers", {
		"code": "name",
		"subject": "name",
		"owner": "name",
		"approved_by": "name",
		"reason": "name",
		"expires_ns": "count",
	})
}

malformed contains path if {
	some path in shape.element_problems(shape.list(input, "recalled"), "recalled", "digest")
}
