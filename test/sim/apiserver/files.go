package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

// read returns the objects in a file, or in all files of a folder and the folders in it whose
// names end in .yaml, .yml or .json. The items of lists are objects too.
func read(path string) (objects []*unstructured.Unstructured, err error) {
	err = filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() || name != path && !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name)) {
			return nil
		}
		found, err := readFile(name)
		objects = append(objects, found...)
		return err
	})
	return objects, err
}

func readFile(name string) (objects []*unstructured.Unstructured, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	documents := yaml.NewYAMLOrJSONDecoder(file, 4096)
	for n := 1; ; n++ {
		var object map[string]any
		switch err := documents.Decode(&object); {
		case errors.Is(err, io.EOF):
			return objects, nil
		case err != nil:
			return nil, fmt.Errorf("%s: document %d: %w", name, n, err)
		case object == nil: // a comment
			continue
		}
		o := &unstructured.Unstructured{Object: object}
		if !o.IsList() {
			objects = append(objects, o)
			continue
		}
		list, err := o.ToList()
		if err != nil {
			return nil, fmt.Errorf("%s: document %d: %w", name, n, err)
		}
		for i := range list.Items {
			objects = append(objects, &list.Items[i])
		}
	}
}

// write replaces a file by one with these objects. If that fails, the file is as it was.
func write(path string, objects []*unstructured.Unstructured) error {
	next, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("save the state: %w", err)
	}
	defer func() { _ = os.Remove(next.Name()) }() // unless it has got its name
	for _, o := range objects {
		unstructured.RemoveNestedField(o.Object, "metadata", "resourceVersion")
		data, err := sigsyaml.Marshal(o.Object)
		if err == nil {
			_, err = next.WriteString("---\n" + string(data))
		}
		if err != nil {
			_ = next.Close()
			return fmt.Errorf("save the state: %w", err)
		}
	}
	if err := next.Close(); err != nil {
		return fmt.Errorf("save the state: %w", err)
	}
	if err := os.Rename(next.Name(), path); err != nil {
		return fmt.Errorf("save the state: %w", err)
	}
	return nil
}
