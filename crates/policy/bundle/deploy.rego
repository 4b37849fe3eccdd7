# METADATA
# title: Deployment gate
# description: >-
#   May this release start here, now? The signature is verified again at the door, the release decision
#   is evidence like any other, and the recall list outranks both. Nothing here can be waived.
package proofhouse.deploy

import rego.v1

import data.proofhouse.reason
import data.proofhouse.shape
import data.proofhouse.site

# METADATA
# title: Deployment decision
# entrypoint: true
decision := judged if well_formed

decision := refused if not well_formed

refused := {
	"allow": false,
	"deny": reason.malformed(malformed),
	"warn": [],
	"waived": [],
	"evidence": [],
}

judged := {
	"allow": count(deny) == 0,
	"deny": deny,
	"warn": warn,
	"waived": [],
	"evidence": [input.release.digest |
		input.release.present
	],
}

well_formed if {
	input.schema == "proofhouse.deploy/v1"
	count(malformed) == 0
}

malformed contains "input.schema" if not input.schema == "proofhouse.deploy/v1"

malformed contains path if {
	some path in shape.problems(input, "input", {
		"request": "record",
		"model": "record",
		"release": "record",
		"signature": "record",
		"target": "record",
		"instances": "list",
		"recalled": "list",
	})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "request"), "request", {
		"now_ns": "count",
		"environment": "name",
		"region": "name",
		"actor": "name",
	})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "model"), "model", {
		"name": "name",
		"version": "name",
		"digest": "digest",
	})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "release"), "release", {
		"present": "flag",
		"digest": "digest or none",
		"trusted": "flag",
		"allow": "flag",
		"model_digest": "digest or none",
		"environments": "list",
		"regions": "list",
		"expires_ns": "count",
	})
}

malformed contains path if {
	some key in ["environments", "regions"]
	elements := shape.list(shape.part(input, "release"), key)
	some path in shape.element_problems(elements, concat(".", ["release", key]), "name")
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "signature"), "signature", {
		"verified": "flag",
		"trusted": "flag",
		"digest": "digest or none",
	})
}

malformed contains path if {
	some path in shape.problems(shape.part(input, "target"), "target", {
		"kind": "name",
		"name": "name",
		"max_instances": "count",
	})
}

malformed contains path if {
	some path in shape.list_problems(shape.list(input, "instances"), "instances", {
		"id": "name",
		"digest": "digest or none",
		"state": "name",
	})
}

malformed contains path if {
	some path in shape.element_problems(shape.list(input, "recalled"), "recalled", "digest")
}

# METADATA
# title: The model has been recalled
# description: A recalled digest starts nowhere.
# custom:
#   code: deploy/recalled
#   solution: Deploy another version; a recalled digest does not come back.
deny contains v if {
	input.model.digest in input.recalled
	v := reason.final("deploy/recalled", "critical", input.model.digest, "this model digest is on the recall list")
}

# METADATA
# title: There is no release
# description: Only what passed the release gate is deployed.
# custom:
#   code: release/missing
#   solution: Run the release gate for this model version.
deny contains v if {
	not input.release.present
	v := reason.final("release/missing", "critical", input.model.digest, "no release decision exists for this model")
}

# METADATA
# title: The release decision is not signed by a trusted signer
# description: A decision anybody could have written decides nothing.
# custom:
#   code: release/untrusted
#   solution: Run the release gate under an identity that the trust policy lists.
deny contains v if {
	input.release.present
	not input.release.trusted
	v := reason.final("release/untrusted", "critical", input.release.digest, "the release decision's signature is not trusted")
}

# METADATA
# title: The release was refused
# description: The gate looked at this model and said no.
# custom:
#   code: release/refused
#   solution: Read the decision's reasons and repair what they name.
deny contains v if {
	input.release.present
	not input.release.allow
	v := reason.final("release/refused", "critical", input.release.digest, "the release gate refused this model")
}

# METADATA
# title: The release decision is about another model
# description: A decision for another digest says nothing about this one.
# custom:
#   code: release/other-digest
#   solution: Release this model version.
deny contains v if {
	input.release.present
	input.release.model_digest != input.model.digest
	msg := concat("", ["the decision is about ", input.release.model_digest])
	v := reason.final("release/other-digest", "critical", input.release.digest, msg)
}

# METADATA
# title: The release has run out
# description: Evidence ages; a decision holds for a stated time.
# custom:
#   code: release/expired
#   solution: Run the stale checks and the release gate again.
deny contains v if {
	input.release.present
	input.release.expires_ns <= input.request.now_ns
	v := reason.final("release/expired", "high", input.release.digest, "the release decision has expired")
}

# METADATA
# title: Not released for this environment
# description: A release names the environments it was judged for.
# custom:
#   code: release/environment
#   solution: Run the release gate for this environment.
deny contains v if {
	input.release.present
	not input.request.environment in input.release.environments
	msg := concat("", ["the release does not cover environment ", input.request.environment])
	v := reason.final("release/environment", "high", input.release.digest, msg)
}

# METADATA
# title: Not released for this region
# description: A release names the regions it was judged for; "*" names every region.
# custom:
#   code: release/region
#   solution: Run the release gate for this region.
deny contains v if {
	input.release.present
	not input.request.region in input.release.regions
	not "*" in input.release.regions
	msg := concat("", ["the release does not cover region ", input.request.region])
	v := reason.final("release/region", "high", input.release.digest, msg)
}

# METADATA
# title: The model's signature does not verify here
# description: The files at the target are not the files that were signed.
# custom:
#   code: signature/invalid
#   solution: Fetch the model again; if it still fails, find out who changed it.
deny contains v if {
	not input.signature.verified
	v := reason.final("signature/invalid", "critical", input.model.digest, "the signature does not verify at the target")
}

# METADATA
# title: The model's signer is not trusted
# description: The trust policy in force here does not list the signer.
# custom:
#   code: signature/untrusted
#   solution: Have a trusted identity sign the model.
deny contains v if {
	not input.signature.trusted
	v := reason.final("signature/untrusted", "critical", input.model.digest, "the model's signer is not trusted here")
}

# METADATA
# title: The signature is over another model
# description: What was verified is not what is to be started.
# custom:
#   code: signature/other-digest
#   solution: Deploy the model version that was signed.
deny contains v if {
	input.signature.digest != input.model.digest
	msg := concat("", ["the signature is over ", input.signature.digest])
	v := reason.final("signature/other-digest", "critical", input.model.digest, msg)
}

# METADATA
# title: Too many instances
# description: The target's limit is reached.
# custom:
#   code: deploy/too-many
#   solution: Stop an instance, or raise the target's limit.
deny contains v if {
	count(input.instances) >= input.target.max_instances
	msg := sprintf("%d instances run and the limit is %v", [count(input.instances), input.target.max_instances])
	v := reason.final("deploy/too-many", "medium", input.target.name, msg)
}

# METADATA
# title: A recalled model still runs at this target
# description: Nothing new starts where a recall has not finished.
# custom:
#   code: deploy/recall-unfinished
#   solution: Finish the recall (proofhouse recall) first.
deny contains v if {
	some instance in input.instances
	instance.digest in input.recalled
	instance.state != "stopped"
	msg := concat("", ["instance ", instance.id, " serves a recalled digest"])
	v := reason.final("deploy/recall-unfinished", "critical", instance.id, msg)
}

deny contains v if some v in site.deploy

warn contains v if {
	some instance in input.instances
	instance.digest == ""
	v := reason.final("deploy/unattributed", "medium", instance.id, "it is not known which model this instance serves")
}

warn contains v if {
	some instance in input.instances
	instance.digest != ""
	instance.digest != input.model.digest
	v := reason.final("deploy/mixed", "low", instance.id, "this instance serves another version of the model")
}
