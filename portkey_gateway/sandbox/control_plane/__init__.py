"""Portkey's own services before the gateway, as far as they are documented: the prompt library and feedback.

Everything here is as Portkey documents it; the hosted service was not reached to try it. Sources: Portkey's docs
("Prompt API", "Prompt Playground", "Prompt Versioning & Labels", "Prompt Partials", "Error AB03"), its OpenAPI
description (`/prompts/…`, `/feedback`), and for `GET /prompts/{id}` and the codes of errors its Terraform provider.
What none of them says, such as how a value is escaped, is chosen so that Portkey's own examples work.
"""
