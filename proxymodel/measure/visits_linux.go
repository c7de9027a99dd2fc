package measure

import (
	"context"
	"encoding/binary"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/redline-go/redline/proxymodel/internal/work"
)

// visitRun measures what naming and binding an anonymous map costs: the kernel visits each set of
// the table and each object of the transaction. Ten thousand maps in one transaction would take a
// minute. A few at the end of one as large, in a table with many sets, visit the same lists.
type visitRun struct {
	*namespace
	sets int // of the table, maps included
	made int // services that have been written
}

// The table's sets, and the maps that end each transaction.
const (
	visitSets = 4000
	visitMaps = 40
)

// visitObjects are the transactions' objects. The last fills work.ColdList, which no core's own
// cache holds.
var visitObjects = []int{4000, 16_000, work.ColdList - work.SetSize*visitSets}

// objectsPerService counts the objects that a service without a map puts into a first transaction:
// a chain, two elements, a rule.
const objectsPerService = 4

// rows returns the visits of each transaction and the time they took: the time with maps less the
// time without.
func (r *visitRun) rows(ctx context.Context) (rows []work.Row, err error) {
	if r.rootless {
		return nil, errOutside
	}
	err = r.inside(func() error {
		if err := r.fill(ctx); err != nil {
			return err
		}
		for _, objects := range visitObjects {
			without, err := r.transaction(objects, 0)
			if err != nil {
				return err
			}
			with, err := r.transaction(objects, visitMaps)
			if err != nil {
				return err
			}
			var w work.NFTables
			w.Visit(visitMaps, float64(r.sets)+visitMaps/2, float64(objects), float64(work.SetSize*r.sets+objects))
			rows = append(rows, work.Row{Units: nftablesUnits(&w), Nanos: float64(max(0, with-without))})
			r.sets += visitMaps
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		return nil
	})
	return rows, err
}

// fill makes the table and its sets, in transactions so small that they add nothing but their names
// being compared.
func (r *visitRun) fill(ctx context.Context) error {
	b := newBatch()
	b.add(unix.NFT_MSG_NEWTABLE, unix.NFTA_TABLE_NAME)
	b.close()
	b.set("cluster-ips", 0, 0)
	b.set("service-ips", 0, 0)
	r.sets = 2
	for r.sets < visitSets {
		for range 500 {
			b.set("__map"+strconv.Itoa(r.sets), unix.NFT_SET_MAP, uint32(r.sets))
			r.sets++
		}
		if _, err := b.commit(); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		b = newBatch()
	}
	return nil
}

// transaction commits so many objects, and then services with a map each.
func (r *visitRun) transaction(objects, maps int) (time.Duration, error) {
	b := newBatch()
	for range objects / objectsPerService {
		b.chain(r.made)
		b.element("cluster-ips", 0, uint32(r.made))
		b.element("service-ips", 0, uint32(r.made))
		b.rule(r.made, 0)
		r.made++
	}
	for i := range maps {
		id := uint32(i + 1)
		b.chain(r.made)
		b.set(anonymousMap, unix.NFT_SET_ANONYMOUS|unix.NFT_SET_CONSTANT|unix.NFT_SET_MAP, id)
		b.element(anonymousMap, id, 0)
		b.rule(r.made, id)
		r.made++
	}
	return b.commit()
}

// anonymousMap is the name that nft gives. The kernel finds the number.
const anonymousMap = "__map%d"

// set adds a set of 4-byte keys. A map's values are as long.
func (b *netlinkBatch) set(name string, flags, id uint32) {
	b.add(unix.NFT_MSG_NEWSET, unix.NFTA_SET_TABLE)
	b.text(unix.NFTA_SET_NAME, name)
	b.number(unix.NFTA_SET_FLAGS, flags)
	b.number(unix.NFTA_SET_KEY_TYPE, 7) // nft's ipv4_addr
	b.number(unix.NFTA_SET_KEY_LEN, 4)
	if flags&unix.NFT_SET_MAP != 0 {
		b.number(unix.NFTA_SET_DATA_TYPE, 7)
		b.number(unix.NFTA_SET_DATA_LEN, 4)
	}
	b.number(unix.NFTA_SET_ID, id)
	b.close()
}

func serviceChain(i int) string { return "service-" + strconv.Itoa(i) }

func (b *netlinkBatch) chain(i int) {
	b.add(unix.NFT_MSG_NEWCHAIN, unix.NFTA_CHAIN_TABLE)
	b.text(unix.NFTA_CHAIN_NAME, serviceChain(i))
	b.close()
}

// element adds a key to a set, or with an id to the map of this transaction.
func (b *netlinkBatch) element(set string, id, key uint32) {
	b.add(unix.NFT_MSG_NEWSETELEM, unix.NFTA_SET_ELEM_LIST_TABLE)
	b.text(unix.NFTA_SET_ELEM_LIST_SET, set)
	if id != 0 {
		b.number(unix.NFTA_SET_ELEM_LIST_SET_ID, id)
	}
	b.nest(unix.NFTA_SET_ELEM_LIST_ELEMENTS | unix.NLA_F_NESTED)
	b.nest(unix.NFTA_LIST_ELEM | unix.NLA_F_NESTED)
	b.data(unix.NFTA_SET_ELEM_KEY, key)
	if id != 0 {
		b.data(unix.NFTA_SET_ELEM_DATA, key)
	}
	b.unnest()
	b.unnest()
	b.close()
}

func (b *netlinkBatch) data(kind uint16, v uint32) {
	b.nest(kind | unix.NLA_F_NESTED)
	b.attribute(unix.NFTA_DATA_VALUE, binary.BigEndian.AppendUint32(nil, v)...)
	b.unnest()
}

// rule adds an empty rule to a service's chain, or with an id one that looks into the map of this
// transaction.
func (b *netlinkBatch) rule(i int, id uint32) {
	b.add(unix.NFT_MSG_NEWRULE, unix.NFTA_RULE_TABLE)
	b.text(unix.NFTA_RULE_CHAIN, serviceChain(i))
	if id != 0 {
		b.nest(unix.NFTA_RULE_EXPRESSIONS | unix.NLA_F_NESTED)
		b.expression("meta", func() {
			b.number(unix.NFTA_META_DREG, unix.NFT_REG32_00)
			b.number(unix.NFTA_META_KEY, unix.NFT_META_MARK)
		})
		b.expression("lookup", func() {
			b.text(unix.NFTA_LOOKUP_SET, anonymousMap)
			b.number(unix.NFTA_LOOKUP_SET_ID, id)
			b.number(unix.NFTA_LOOKUP_SREG, unix.NFT_REG32_00)
			b.number(unix.NFTA_LOOKUP_DREG, unix.NFT_REG32_01)
		})
		b.unnest()
	}
	b.close()
}

func (b *netlinkBatch) expression(name string, data func()) {
	b.nest(unix.NFTA_LIST_ELEM | unix.NLA_F_NESTED)
	b.text(unix.NFTA_EXPR_NAME, name)
	b.nest(unix.NFTA_EXPR_DATA | unix.NLA_F_NESTED)
	data()
	b.unnest()
	b.unnest()
}
