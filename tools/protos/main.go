package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/protoutil"
	gengo "google.golang.org/protobuf/cmd/protoc-gen-go/internal_gengo"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/pluginpb"
)

// sources are the files. Their own go_package is that of the project which they come
// from, so that each is given one of ours, below root.
var sources = []string{"workloadapi/workload.proto", "workloadapi/security/authorization.proto"}

const root = "github.com/coastwise/coastwise/third_party/istio/"

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: protos SOURCE OUT")
		os.Exit(2)
	}
	if err := generate(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "protos:", err)
		os.Exit(1)
	}
}

// generate writes the Go file of every source.
func generate(source, out string) error {
	request, err := parse(source)
	if err != nil {
		return err
	}
	plugin, err := protogen.Options{}.New(request)
	if err != nil {
		return err
	}
	for _, f := range plugin.Files {
		if f.Generate {
			gengo.GenerateFile(plugin, f)
		}
	}
	response := plugin.Response()
	if response.Error != nil {
		return errors.New(response.GetError())
	}
	for _, f := range response.File {
		to := filepath.Join(out, strings.TrimPrefix(f.GetName(), root))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, []byte(f.GetContent()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// parse is what protoc would ask of its plugin.
func parse(source string) (*pluginpb.CodeGeneratorRequest, error) {
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{source}}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	request := &pluginpb.CodeGeneratorRequest{}
	var mapped []string
	for _, name := range sources {
		request.FileToGenerate = append(request.FileToGenerate, name)
		mapped = append(mapped, "M"+name+"="+root+path.Dir(name))
	}
	request.Parameter = proto.String(strings.Join(mapped, ","))
	files, err := compiler.Compile(context.Background(), request.FileToGenerate...)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, f := range files {
		add(request, seen, f)
	}
	return request, nil
}

// add lists a file behind all that it imports.
func add(request *pluginpb.CodeGeneratorRequest, seen map[string]bool, f protoreflect.FileDescriptor) {
	if seen[f.Path()] {
		return
	}
	seen[f.Path()] = true
	for i := range f.Imports().Len() {
		add(request, seen, f.Imports().Get(i).FileDescriptor)
	}
	request.ProtoFile = append(request.ProtoFile, protoutil.ProtoFromFileDescriptor(f))
}
