# METADATA
# title: Reasons
# description: What a gate objects to, in the one form every decision uses.
package proofhouse.reason

import rego.v1

# A reason that nobody can waive.
final(code, severity, subject, msg) := {
	"code": code,
	"severity": severity,
	"subject": subject,
	"waivable": false,
	"msg": msg,
}

# A reason that two people may waive together for a limited time.
waivable(code, severity, subject, msg) := {
	"code": code,
	"severity": severity,
	"subject": subject,
	"waivable": true,
	"msg": msg,
}

# A reason for an input that lacks a member, or has it as something else.
malformed(paths) := {final("input/malformed", "critical", path, concat("", [path, " is absent or not of the type the gate reads"])) |
	some path in paths
}
