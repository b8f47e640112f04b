package project

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"

	"github.com/ebpfdev/ebpfdev/internal/api"
)

const goLink = "github.com/cilium/ebpf/link"

// pointsGo reads calls of cilium/ebpf's package link with literal names, except
// in functions that try something else under a condition.
func pointsGo(src string) []found {
	if !strings.Contains(src, `"`+goLink+`"`) {
		return nil
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "", src, parser.SkipObjectResolution)
	if err != nil {
		return nil // the compiler says it better
	}
	pkg := linkName(file)
	if pkg == "" {
		return nil
	}
	var list []found
	for _, decl := range file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		calls := &goCalls{pkg: pkg, files: files, opened: map[string]string{}}
		ast.Walk(goVisitor{calls, false}, fn.Body)
		if !calls.choice {
			list = append(list, calls.list...)
		}
	}
	return list
}

// linkName is what the file calls the package, empty when it does not import it.
func linkName(file *ast.File) string {
	for _, spec := range file.Imports {
		switch {
		case literal(spec.Path) != goLink:
		case spec.Name != nil:
			return spec.Name.Name
		default:
			return "link"
		}
	}
	return ""
}

// goCalls are the calls of one function.
type goCalls struct {
	pkg    string
	files  *token.FileSet
	opened map[string]string // a variable's executable; empty when it has more than one
	list   []found
	choice bool // something is attached under a condition
}

// goVisitor walks a function and knows whether a condition is above.
type goVisitor struct {
	calls *goCalls
	under bool
}

func (v goVisitor) Visit(n ast.Node) ast.Visitor {
	switch n := n.(type) {
	case *ast.IfStmt: // what is in its head is always done
		for _, part := range []ast.Node{n.Init, n.Cond} {
			if part != nil {
				ast.Walk(v, part)
			}
		}
		v.under = true
		ast.Walk(v, n.Body)
		if n.Else != nil {
			ast.Walk(v, n.Else)
		}
		return nil
	case *ast.ForStmt, *ast.RangeStmt, *ast.CaseClause, *ast.CommClause:
		v.under = true
	case *ast.AssignStmt:
		v.calls.assign(n)
	case *ast.CallExpr:
		v.calls.call(n, v.under)
	}
	return v
}

// assign remembers what is opened as a variable.
func (c *goCalls) assign(n *ast.AssignStmt) {
	id, ok := n.Lhs[0].(*ast.Ident)
	if !ok || len(n.Rhs) != 1 {
		return
	}
	call, ok := n.Rhs[0].(*ast.CallExpr)
	if !ok {
		return
	}
	if pkg, name := selector(call); pkg != c.pkg || name != "OpenExecutable" || len(call.Args) != 1 {
		return
	}
	path := literal(call.Args[0])
	if _, twice := c.opened[id.Name]; twice {
		path = ""
	}
	c.opened[id.Name] = path
}

func (c *goCalls) call(n *ast.CallExpr, under bool) {
	on, name := selector(n)
	path, opened := c.opened[on]
	var point api.AttachPoint
	switch {
	case on == c.pkg && name == "Tracepoint" && len(n.Args) == 4:
		category, event := literal(n.Args[0]), literal(n.Args[1])
		if category != "" && event != "" {
			point = api.AttachPoint{Kind: api.PointTracepoint, Target: category + "/" + event}
		}
	case opened && (name == "Uprobe" || name == "Uretprobe") && len(n.Args) == 3:
		symbol := literal(n.Args[0])
		if path != "" && symbol != "" && !placed(n.Args[2]) {
			point = api.AttachPoint{Kind: api.PointUprobe, Target: path + ":" + symbol}
		}
	case on == c.pkg && (name == "Kprobe" || name == "Kretprobe"):
	default:
		return
	}
	c.choice = c.choice || under
	if point.Target != "" {
		c.list = append(c.list, found{Point: Point{AttachPoint: point, Line: c.files.Position(n.Pos()).Line}})
	}
}

// placed reports whether the options of a uprobe may give its address.
func placed(options ast.Expr) bool {
	if id, ok := options.(*ast.Ident); ok && id.Name == "nil" {
		return false
	}
	unary, ok := options.(*ast.UnaryExpr)
	if !ok {
		return true
	}
	lit, ok := unary.X.(*ast.CompositeLit)
	if !ok {
		return true
	}
	for _, e := range lit.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		if key, ok := kv.Key.(*ast.Ident); !ok || key.Name == "Address" {
			return true
		}
	}
	return false
}

// selector takes "on.Name(…)" apart.
func selector(call *ast.CallExpr) (on, name string) {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	id, ok := sel.X.(*ast.Ident)
	if !ok {
		return "", ""
	}
	return id.Name, sel.Sel.Name
}

// literal returns a string literal's value, or nothing.
func literal(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	value, _ := strconv.Unquote(lit.Value)
	return value
}
