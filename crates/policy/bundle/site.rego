# METADATA
# title: Rules of the site
# description: >-
#   Empty as shipped. A user bundle that declares this package replaces this file and adds reasons of its
#   own to the shipped gates: `release contains v if { … }`, and likewise `deploy`, `request` and
#   `boundary`. Each v
#   is a reason as data.proofhouse.reason makes it. The site can add denials; it cannot take one away.
package proofhouse.site

import rego.v1

release := set()

deploy := set()

request := set()

boundary := set()
