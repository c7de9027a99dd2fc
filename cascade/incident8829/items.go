package incident8829

import "github.com/redline-go/redline/cascade/scenario"

// items holds the report's action items, by the change that stands for each.
var items = map[string]string{
	"etcd on NVMe":                    "1. Move etcd to NVMe drives",
	"ResourceQuota of twice the pods": "2. ResourceQuotas in every namespace",
	"LimitRange":                      "2. LimitRanges in every namespace",
	"kube-proxy in IPVS mode":         "3. Switch kube-proxy to IPVS mode",
	"alert on the db's size":          "4. Set up an alert for etcd_mvcc_db_total_size_in_bytes",
}

// ActionItems returns [scenario.Changes], each with the report's action item that it stands for.
// Item is empty where the report missed the change.
func ActionItems() []scenario.Change {
	changes := scenario.Changes()
	for i := range changes {
		changes[i].Item = items[changes[i].Name]
	}
	return changes
}
