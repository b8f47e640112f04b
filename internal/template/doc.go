// Package template renders the projects that ebpfdev scaffolds and writes them.
//
// A catalogue is read from a tree of files:
//
//	shared/template.json                       manifest of what every project has
//	shared/files/...                           files of every project
//	shared/sections/<name>                     text for "@include <name>"
//	<framework>/template.json                  manifest
//	<framework>/base/...                       files of every kind; they win over shared's
//	<framework>/sections/<name>                these win over shared's
//	<framework>/kinds/<kind>/template.json     manifest
//	<framework>/kinds/<kind>/files/...         files of this kind; they win over base's
//	<framework>/kinds/<kind>/sections/<name>   these win over the framework's
//
// Files are copied byte for byte, except for those that a manifest lists under
// "render". In those, ${templateOption:NAME} is replaced (the Dev Container
// templates' own syntax), and three kinds of line, written as comments of the
// file's own language so that the source stays valid in it, choose what is kept:
//
//	@include NAME         the section of that name, which may include others
//	@if [!]CONDITION      the lines up to @end; conditions are the kind's id,
//	@end                  least-privilege, private-pid and host-network, and init:
//	                      the project is there already and gets a dev container
//
// A name that ends in ".template" loses that ending: package embed leaves out
// every folder that holds a go.mod.
//
// Nothing of a template runs, and everything is written through os.Root.
package template
