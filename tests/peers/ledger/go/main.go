// Checks an exported ledger with the note and tlog packages of Go's checksum database.
//
//	go run . EXPORT_DIRECTORY PROOFS_JSON
package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type proofs struct {
	Verifier  string
	Older     string
	Inclusion struct {
		Seq      int64
		LeafHash string `json:"leaf_hash"`
		Path     []string
	}
	Consistency struct{ Path []string }
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("give the export's directory and the proofs")
	}
	var given proofs
	must(json.Unmarshal(read(os.Args[2]), &given))
	verifier, err := note.NewVerifier(given.Verifier)
	must(err)
	tree := open(read(filepath.Join(os.Args[1], "checkpoint")), verifier)
	older := open([]byte(given.Older), verifier)

	leaves := bytes.Split(bytes.TrimSuffix(read(filepath.Join(os.Args[1], "leaves.jsonl")), []byte("\n")), []byte("\n"))
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = stored[index]
		}
		return found, nil
	})
	for seq, leaf := range leaves {
		hashes, err := tlog.StoredHashes(int64(seq), leaf, reader)
		must(err)
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(tree.N, reader)
	must(err)
	if int64(len(leaves)) != tree.N || root != tree.Hash {
		log.Fatal("the leaves give another tree")
	}
	leaf := tlog.RecordHash(leaves[given.Inclusion.Seq])
	must(tlog.CheckRecord(hashes(given.Inclusion.Path), tree.N, tree.Hash, given.Inclusion.Seq, leaf))
	must(tlog.CheckTree(hashes(given.Consistency.Path), tree.N, tree.Hash, older.N, older.Hash))
	fmt.Printf("%d leaves, root %s\n", tree.N, hex.EncodeToString(root[:]))
}

// open checks the signature and reads origin, size and root. The text of Go's own tree starts with
// another first line, so tlog.ParseTree does not apply.
func open(signed []byte, verifier note.Verifier) tlog.Tree {
	opened, err := note.Open(signed, note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		log.Fatalf("not a checkpoint of %s: %q", verifier.Name(), opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	root, err := tlog.ParseHash(lines[2])
	must(err)
	return tlog.Tree{N: size, Hash: root}
}

func hashes(digests []string) []tlog.Hash {
	var all []tlog.Hash
	for _, digest := range digests {
		raw, err := hex.DecodeString(strings.TrimPrefix(digest, "sha256:"))
		must(err)
		var hash tlog.Hash
		copy(hash[:], raw)
		all = append(all, hash)
	}
	return all
}

func read(path string) []byte {
	content, err := os.ReadFile(path)
	must(err)
	return content
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
