package kubeops

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Provider names a way to encrypt, as an EncryptionConfiguration does. Zero is [Identity].
type Provider int

// The providers of kube-apiserver (apiserver's pkg/server/options/encryptionconfig).
const (
	Identity  Provider = iota // plain
	AESCBC                    // an IV of 16 bytes, and padding to a block of 16
	AESGCM                    // a nonce of 12 and a tag of 16
	Secretbox                 // a nonce of 24 and a tag of 16
	KMSv1                     // a data key for each object, encrypted by the plugin, and AES-GCM
	KMSv2                     // a seed for all, encrypted by the plugin, and AES-GCM with 32 bytes of info
	providers
)

var providerNames = [...]string{"identity", "aescbc", "aesgcm", "secretbox", "kms v1", "kms v2"}

// String returns the provider's name in an EncryptionConfiguration.
func (p Provider) String() string {
	if p < 0 || p >= providers {
		return fmt.Sprintf("Provider(%d)", int(p))
	}
	return providerNames[p]
}

// valuePrefixes begin the stored values, before the key's name (encryptionconfig/config.go:61).
var valuePrefixes = [...]string{
	"", "k8s:enc:aescbc:v1:", "k8s:enc:aesgcm:v1:", "k8s:enc:secretbox:v1:", "k8s:enc:kms:v1:", "k8s:enc:kms:v2:",
}

// Encryption is a provider and what of its key is stored beside each object.
type Encryption struct {
	Provider Provider
	Key      string // the key's name, or the KMS plugin's

	// EncryptedKey is the number of bytes in which the KMS plugin returns the data key (KMSv1) or the
	// seed (KMSv2): 32 bytes and what it adds. A cloud's key service adds some tens to hundreds.
	EncryptedKey int
	// KeyID and Annotations are the bytes that a KMSv2 plugin says of its key. Annotations holds the
	// length of each value by its name.
	KeyID       int
	Annotations map[string]int
}

// Limits of a KMSv2 plugin's answers (envelope/kmsv2/envelope.go:86).
const (
	maxKeyID, maxEncryptedKey = 1 << 10, 1 << 10
	maxAnnotations            = 32 << 10
)

// Check returns an error that names the first field that is invalid or that the provider has no use
// for. field names the encryption in the error.
func (e Encryption) Check(field string) error {
	bad := func(name string, value any, want string) error {
		return fmt.Errorf("%w: %s.%s is %v, want %s", ErrObject, field, name, value, want)
	}
	if e.Provider < 0 || e.Provider >= providers {
		return bad("Provider", int(e.Provider), "one of this package")
	}
	if (e.Key == "") != (e.Provider == Identity) || strings.Contains(e.Key, ":") {
		return bad("Key", fmt.Sprintf("%q", e.Key),
			fmt.Sprintf("a name without a colon, and none for identity (it is %v)", e.Provider))
	}
	low, high := 0, 0
	switch e.Provider {
	case KMSv1:
		low, high = 1, math.MaxUint16 // a length of two bytes (envelope.go:142)
	case KMSv2:
		low, high = 1, maxEncryptedKey
	}
	if e.EncryptedKey < low || e.EncryptedKey > high {
		return bad("EncryptedKey", e.EncryptedKey, fmt.Sprintf("%d to %d bytes for %v", low, high, e.Provider))
	}
	if e.Provider == KMSv2 && (e.KeyID < 1 || e.KeyID > maxKeyID) || e.Provider != KMSv2 && e.KeyID != 0 {
		return bad("KeyID", e.KeyID, "1 to 1024 bytes for kms v2, else 0")
	}
	return e.checkAnnotations(bad)
}

func (e Encryption) checkAnnotations(bad func(name string, value any, want string) error) error {
	sum := 0
	for _, name := range sortedKeys(e.Annotations) {
		n := e.Annotations[name]
		if e.Provider != KMSv2 || n < 0 || n > maxAnnotations {
			return bad("Annotations", fmt.Sprintf("%q: %d", name, n), "0 to 32768 bytes, and none but for kms v2")
		}
		sum += len(name) + n
	}
	if sum > maxAnnotations {
		return bad("Annotations", sum, "32768 bytes at most")
	}
	return nil
}

// Bytes returns the bytes that are stored for a value of n plain bytes.
func (e Encryption) Bytes(n int) int {
	if e.Provider == Identity {
		return n
	}
	return len(valuePrefixes[e.Provider]) + len(e.Key) + 1 + e.sealed(n)
}

const (
	block   = 16      // aes.go: the IV, and the block that padding fills; a whole one if nothing is left
	gcm     = 12 + 16 // aes.go: nonce and tag
	box     = 24 + 16 // secretbox.go: nonce and tag
	gcmInfo = 32      // aes_extended_nonce.go: from which the data key is derived, since v1.29
)

func (e Encryption) sealed(n int) int {
	switch e.Provider {
	case AESCBC:
		return block + n + block - n%block
	case AESGCM:
		return n + gcm
	case Secretbox:
		return n + box
	case KMSv1: // envelope.go:142: the length of the key in two bytes, the key, the value
		return 2 + e.EncryptedKey + n + gcm
	}
	// KMSv2: the message EncryptedObject (envelope/kmsv2/v2/api.proto); its source's type is 1.
	size := field(n+gcm+gcmInfo) + field(e.KeyID) + field(e.EncryptedKey) + 2
	for name, value := range e.Annotations {
		size += field(field(len(name)) + field(value))
	}
	return size
}

// field returns the bytes of a protobuf field of n bytes with a number below 16.
func field(n int) int {
	size := 2 + n
	for x := n >> 7; x > 0; x >>= 7 {
		size++
	}
	return size
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
