package kubeops

import (
	"bytes"
	"context"
	stdaes "crypto/aes"
	"crypto/cipher"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apiserver/pkg/storage/value"
	"k8s.io/apiserver/pkg/storage/value/encrypt/aes"
	"k8s.io/apiserver/pkg/storage/value/encrypt/envelope"
	"k8s.io/apiserver/pkg/storage/value/encrypt/envelope/kmsv2"
	kmstypes "k8s.io/apiserver/pkg/storage/value/encrypt/envelope/kmsv2/v2"
	"k8s.io/apiserver/pkg/storage/value/encrypt/secretbox"

	"github.com/redline-go/redline/etcdmodel/kubeops"
)

// vault is a KMS v1 plugin that answers with keys of a given length.
type vault struct{ length int }

func (v vault) Encrypt([]byte) ([]byte, error) { return bytes.Repeat([]byte{'x'}, v.length), nil }
func (v vault) Decrypt([]byte) ([]byte, error) { return make([]byte, 32), nil }

// Each provider's overhead is that of kube-apiserver's own transformer, for values around every
// bound of a block and of a varint.
func TestEncryptionBesideTransformers(t *testing.T) {
	cipherBlock, err := stdaes.NewCipher(make([]byte, 32))
	require.NoError(t, err)
	gcm, err := aes.NewGCMTransformer(cipherBlock)
	require.NoError(t, err)
	seeded, err := aes.NewHKDFExtendedNonceGCMTransformer(make([]byte, aes.MinSeedSizeExtendedNonceGCM))
	require.NoError(t, err)
	kms1 := envelope.NewEnvelopeTransformer(vault{60}, 10, func(b cipher.Block) (value.Transformer, error) {
		return aes.NewGCMTransformer(b)
	})
	kms2 := kmsv2.NewEnvelopeTransformer(nil, "plugin", func() (kmsv2.State, error) {
		return kmsv2.State{
			Transformer: seeded, EncryptedObjectKeyID: "key-17", EncryptedObjectEncryptedDEKSource: make([]byte, 200),
			EncryptedObjectAnnotations:            map[string][]byte{"a.example.com": make([]byte, 150), "b.example.com": {}},
			EncryptedObjectEncryptedDEKSourceType: kmstypes.EncryptedDEKSourceType_HKDF_SHA256_XNONCE_AES_GCM_SEED,
			ExpirationTimestamp:                   time.Now().Add(time.Hour), CacheKey: []byte("k"),
		}, nil
	}, "server")
	for _, c := range []struct {
		transformer value.Transformer
		model       kubeops.Encryption
		prefix      string
	}{
		{gcm, kubeops.Encryption{Provider: kubeops.AESGCM, Key: "k"}, "k8s:enc:aesgcm:v1:k:"},
		{aes.NewCBCTransformer(cipherBlock), kubeops.Encryption{Provider: kubeops.AESCBC, Key: "k"}, "k8s:enc:aescbc:v1:k:"},
		{
			secretbox.NewSecretboxTransformer([32]byte{}), kubeops.Encryption{Provider: kubeops.Secretbox, Key: "k"},
			"k8s:enc:secretbox:v1:k:",
		},
		{kms1, kubeops.Encryption{Provider: kubeops.KMSv1, Key: "plugin", EncryptedKey: 60}, "k8s:enc:kms:v1:plugin:"},
		{kms2, kubeops.Encryption{
			Provider: kubeops.KMSv2, Key: "plugin", EncryptedKey: 200, KeyID: 6,
			Annotations: map[string]int{"a.example.com": 150, "b.example.com": 0},
		}, "k8s:enc:kms:v2:plugin:"},
	} {
		require.NoError(t, c.model.Check("e"))
		for _, n := range []int{0, 1, 15, 16, 17, 66, 67, 68, 127, 128, 2000, 16300, 16323, 16324, 16384, 1 << 20} {
			sealed, err := c.transformer.TransformToStorage(context.Background(), make([]byte, n), value.DefaultContext("key"))
			require.NoError(t, err)
			assert.Equal(t, len(c.prefix)+len(sealed), c.model.Bytes(n), "%v, %d bytes", c.model.Provider, n)
		}
	}
}
