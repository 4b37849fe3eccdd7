# METADATA
# title: Boundary gate
# description: >-
#   May this tool be called, or this answer be given, with what is in context? The engine that read the
#   conversation states facts and what its built-in rules found; here it is decided. A reason that the engine
#   marks `needs-approval` is waived by a person's approval of exactly this act. Nothing waives a `deny`, and
#   facts that contradict each other decide nothing.
package proofhouse.boundary

import rego.v1

import data.proofhouse.reason
import data.proofhouse.site

# METADATA
# title: Boundary decision
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
	"waived": waived,
	"evidence": [input.context.digest, input.act.digest],
}

well_formed if {
	input.schema == "proofhouse.boundary/v1"
	count(malformed) == 0
}

# What the decision is about where no argument is named.
act := input.act.tool if input.act.tool != ""

else := "answer"

about(argument) := argument if argument != ""

else := act

# --- what the built-in rules found --------------------------------------------------------------------

violations contains v if {
	some r in input.builtin.reasons
	r.verdict == "deny"
	v := reason.final(r.code, "high", about(r.argument), r.message)
}

violations contains v if {
	some r in input.builtin.reasons
	r.verdict == "needs-approval"
	v := reason.waivable(r.code, "medium", about(r.argument), r.message)
}

builtin_codes := {r.code | some r in input.builtin.reasons}

# --- what holds whatever they found -------------------------------------------------------------------

# METADATA
# title: The tool is not declared
# description: What a tool does to the world is stated by the operator, or it is not called.
# custom:
#   code: tool/undeclared
#   solution: Declare the tool with its effects in the boundary policy, or do not offer it to the model.
violations contains v if {
	not input.act.declared
	not "tool/undeclared" in builtin_codes
	v := reason.final("tool/undeclared", "high", act, "the policy declares no such tool")
}

# METADATA
# title: Private data, untrusted text and a way out
# description: Together they are how data is stolen; a person stands between them.
# custom:
#   code: flow/trifecta
#   solution: Have a person approve this call, keep private data out of the conversation, or do not read untrusted text in it.
violations contains v if {
	input.act.outbound
	input.context.exposed
	input.context.private
	not "flow/trifecta" in builtin_codes
	msg := "private data and untrusted text are in context, and this reaches outside"
	v := reason.waivable("flow/trifecta", "medium", act, msg)
}

# METADATA
# title: An argument that nobody declared
# description: A tool with effects takes the arguments that the operator stated rules for.
# custom:
#   code: argument/undeclared
#   solution: State a rule for the argument in the boundary policy; an empty one allows any value.
violations contains v if {
	some argument in input.arguments
	not argument.declared
	some effect in input.act.effects
	effect != "read"
	not "argument/undeclared" in builtin_codes
	v := reason.final("argument/undeclared", "high", argument.argument, "the policy declares no such argument")
}

# METADATA
# title: The facts contradict each other
# description: Facts that cannot all be true are no basis to allow anything on.
# custom:
#   code: boundary/contradiction
#   solution: Report it; the program that made the facts is faulty, or somebody changed them on the way.
violations contains v if {
	some what in contradictions
	v := reason.final("boundary/contradiction", "critical", act, what)
}

strictness := {"allow": 0, "needs-approval": 1, "deny": 2}

contradictions contains "the built-in verdict is milder than its reasons" if {
	some r in input.builtin.reasons
	strictness[r.verdict] > strictness[input.builtin.verdict]
}

contradictions contains "the built-in verdict has no reason" if {
	input.builtin.verdict != "allow"
	not input.builtin.verdict in {r.verdict | some r in input.builtin.reasons}
}

contradictions contains "a call names no tool" if {
	input.act.kind == "call"
	input.act.tool == ""
}

contradictions contains "a call has no effect" if {
	input.act.kind == "call"
	count(input.act.effects) == 0
}

contradictions contains "its effects reach outside and it does not" if {
	not input.act.outbound
	some effect in input.act.effects
	effect in {"send", "pay"}
}

contradictions contains "untrusted text is in context and nowhere" if {
	input.context.exposed
	count(input.context.exposed_by) == 0
}

contradictions contains "untrusted text is somewhere and not in context" if {
	not input.context.exposed
	untrusted_somewhere
}

untrusted_somewhere if count(input.context.exposed_by) > 0

untrusted_somewhere if {
	some argument in input.arguments
	argument.untrusted
}

contradictions contains "private data is in context and nowhere" if {
	input.context.private
	count(input.context.private_by) == 0
}

contradictions contains "private data is somewhere and not in context" if {
	not input.context.private
	count(input.context.private_by) > 0
}

contradictions contains "an argument's sources are not what is said of it" if {
	some argument in input.arguments
	trusted := count([s | some s in argument.sources; s.trust in {"principal", "trusted"}]) > 0
	trusted != argument.trusted
}

contradictions contains "an approval names nobody" if {
	input.approval.present
	trim_space(input.approval.by) == ""
}

violations contains v if some v in site.boundary

# --- approvals ----------------------------------------------------------------------------------------

approved if {
	input.approval.present
	trim_space(input.approval.by) != ""
	input.approval.expires_ns > input.request.now_ns
}

deny contains v if {
	some v in violations
	not waives(v)
}

waives(v) if {
	v.waivable == true
	approved
}

waived contains object.union(v, {"waiver": waiver}) if {
	some v in violations
	waives(v)
}

waiver := {
	"owner": act,
	"approved_by": input.approval.by,
	"reason": "a person approved exactly this",
	"expires_ns": input.approval.expires_ns,
}

# --- what people should know --------------------------------------------------------------------------

warn contains v if {
	some argument in input.arguments
	argument.trusted
	argument.untrusted
	msg := "both a trusted and an untrusted text name this value"
	v := reason.final("boundary/contested", "low", argument.argument, msg)
}

warn contains v if {
	some argument in input.arguments
	argument.private
	input.act.outbound
	not "argument/private" in builtin_codes
	v := reason.final("boundary/private", "medium", argument.argument, "this argument carries private data, as the policy allows")
}

warn contains v if {
	input.approval.present
	not approved
	v := reason.final("boundary/approval-expired", "low", act, "the approval has ended")
}
