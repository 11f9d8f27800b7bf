package sim

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// CRDFiles returns the kinds that files define, as [CRD] does. A path is that of a file, or of a folder,
// whose files *.yaml, *.yml and *.json are read, and those of folders in it are not. Documents of other
// kinds are passed over, such as the kustomization.yaml beside the definitions. A path that cannot be
// read, or has no definition, is an error of [New].
func CRDFiles(paths ...string) []Kind {
	var kinds []Kind
	for _, path := range paths {
		found, err := definitionsIn(path)
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("%s has no CustomResourceDefinition", path)
		}
		if err != nil {
			found = []Kind{{name: path, err: fmt.Errorf("files of CRDs: %w", err)}}
		}
		kinds = append(kinds, found...)
	}
	return kinds
}

func definitionsIn(path string) (kinds []Kind, err error) {
	files, err := filesIn(path)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, kind := range CRD(text) {
			switch {
			case errors.Is(kind.err, errOtherKind):
			case kind.err != nil:
				return nil, fmt.Errorf("%s: %w", file, kind.err)
			default:
				kinds = append(kinds, kind)
			}
		}
	}
	return kinds, nil
}

// filesIn returns the files of a folder that can hold definitions, or the one file that path is.
func filesIn(path string) ([]string, error) {
	entries, err := os.ReadDir(path)
	if info, statErr := os.Stat(path); statErr == nil && !info.IsDir() {
		return []string{path}, nil
	}
	var files []string
	for _, entry := range entries {
		if !entry.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(entry.Name())) {
			files = append(files, filepath.Join(path, entry.Name()))
		}
	}
	return files, err
}
