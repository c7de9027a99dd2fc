package etcdmodel_test

import (
	"fmt"
	"time"

	"github.com/redline-go/redline/etcdmodel"
)

func ExampleServer_Stop() {
	writes := []etcdmodel.Stream{{Op: etcdmodel.Op{Kind: etcdmodel.Put, Key: 46, Value: 512}}}
	s, err := etcdmodel.NewServer(etcdmodel.Cluster{Members: 3, Seed: 1}, writes)
	if err != nil {
		panic(err)
	}
	s.Step(time.Second, nil)
	for _, member := range []int{1, 2} {
		if err := s.Stop(member); err != nil {
			panic(err)
		}
	}
	lost := s.Step(20*time.Second, []float64{20})
	fmt.Println("answered without a quorum:", lost.Classes[0].Committed)
	if err := s.Start(1); err != nil {
		panic(err)
	}
	s.Step(5*time.Second, nil)
	fmt.Println("leads again:", s.Leader() >= 0)
	// Output:
	// answered without a quorum: 0
	// leads again: true
}

func ExampleServer_SwapDisk() {
	writes := []etcdmodel.Stream{{Op: etcdmodel.Op{Kind: etcdmodel.Put, Key: 46, Value: 512}}}
	blocked := etcdmodel.FixedDisk(time.Minute)
	s, err := etcdmodel.NewServer(etcdmodel.Cluster{Members: 1, Disks: []etcdmodel.Disk{blocked}}, writes)
	if err != nil {
		panic(err)
	}
	if err := s.Submit(0, 1); err != nil {
		panic(err)
	}
	s.Step(3*time.Second, nil)
	if err := s.SwapDisks(etcdmodel.NVMe()); err != nil { // the block ends
		panic(err)
	}
	fmt.Println(s.Step(time.Second, nil).Done[0].Latency.Round(time.Second))
	// Output: 3s
}

func ExampleDisk_Jittered() {
	put := etcdmodel.Op{Kind: etcdmodel.Put, Key: 46, Value: 512}
	load := etcdmodel.Load{Streams: []etcdmodel.Stream{{Op: put, Rate: 20}}}
	slow := etcdmodel.FixedDisk(2 * time.Second)
	for _, disk := range []etcdmodel.Disk{slow, slow.Jittered(0.8)} {
		p, err := etcdmodel.Estimate(etcdmodel.Cluster{Disks: []etcdmodel.Disk{disk}}, load)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s: elections %t\n", disk.Name, p.Elections >= 1)
	}
	// Output:
	// fixed 2s: elections false
	// fixed 2s +- 80 %: elections true
}
