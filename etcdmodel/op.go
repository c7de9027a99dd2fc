package etcdmodel

import "fmt"

// Kind is the kind of a request to etcd. Zero is [Put].
type Kind int

// The kinds. The transactions are kube-apiserver's
// (k8s.io/apiserver/pkg/storage/etcd3/store.go): a compare on the key's mod
// revision, a write, and for updates and deletes a range of the key when the
// compare fails.
const (
	Put         Kind = iota // a plain put
	Delete                  // a plain delete of one key, or of Puts keys in one range
	TxnCreate               // compare(mod == 0), then put
	TxnUpdate               // compare(mod == revision), then put, else range
	TxnDelete               // compare(mod == revision), then delete, else range
	TxnPuts                 // a transaction of Puts puts
	TxnConflict             // a TxnUpdate whose compare fails: all of its WAL, none of its db
	LeaseGrant              // a new lease
	LeaseRevoke             // the end of a lease and of the Puts keys attached to it
	KeepAlive               // a lease renewal: no proposal, no WAL
	Range                   // a linearizable read: no proposal, no WAL
	ReadIndex               // what a Range asks first, alone: how a member makes sure that it still leads
	kinds
)

var kindNames = [...]string{"Put", "Delete", "TxnCreate", "TxnUpdate", "TxnDelete", "TxnPuts",
	"TxnConflict", "LeaseGrant", "LeaseRevoke", "KeepAlive", "Range", "ReadIndex"}

// String returns the constant's name.
func (k Kind) String() string {
	if k < 0 || k >= kinds {
		return fmt.Sprintf("Kind(%d)", int(k))
	}
	return kindNames[k]
}

// Writes reports whether the kind goes through raft and so through the WAL.
func (k Kind) Writes() bool { return k != KeepAlive && k != Range && k != ReadIndex }

// Op is one request.
type Op struct {
	Kind  Kind
	Key   int  // bytes of the key
	Value int  // bytes of the value; what a Range returns
	Lease bool // the key is attached to a lease
	Puts  int  // keys the request touches (TxnPuts, Delete, LeaseRevoke); zero means 1
}

// Request limits of a stock server (server/embed/config.go: DefaultMaxRequestBytes,
// DefaultMaxTxnOps).
const (
	MaxRequestBytes = 1.5 * 1024 * 1024
	MaxTxnOps       = 128
)

func (o Op) puts() int { return max(o.Puts, 1) }

// Check returns an error for a negative size, an unknown kind, and a request that etcd refuses
// because of its size. field names the request in the error.
func (o Op) Check(field string) error {
	if err := checkAll(field, opLimits, &o); err != nil {
		return err
	}
	return o.checkLimits(field)
}

// within returns the request with its sizes in a range in which their sums do not overflow. It
// changes none that passes Check.
func (o Op) within() Op {
	o.Key, o.Value = min(max(o.Key, 0), mostAnswer), min(max(o.Value, 0), mostAnswer)
	o.Puts = min(max(o.Puts, 0), mostPuts)
	return o
}

func (o Op) checkLimits(field string) error {
	if !o.Kind.Writes() {
		return nil
	}
	if o.Kind == TxnPuts && o.Puts > MaxTxnOps {
		return bad(field+".Puts", o.Puts, fmt.Sprintf("<= %d (etcd's --max-txn-ops)", MaxTxnOps))
	}
	puts := 1
	if o.Kind == TxnPuts {
		puts = o.puts()
	}
	if o.Key > MaxRequestBytes || o.Value > (MaxRequestBytes-o.Key)/puts {
		return bad(
			field+".Value", o.Value,
			fmt.Sprintf("a request of <= %d bytes (etcd's --max-request-bytes)", int(MaxRequestBytes)),
		)
	}
	return nil
}
