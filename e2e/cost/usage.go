package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU time in /proc: 100 in a second on every Linux that Go knows.
const tick = 10 * time.Millisecond

// cpuOf is what a process has used so far, in all its threads.
func cpuOf(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseStat(stat)
}

// parseStat adds user and system time. The name before them may hold anything, blanks
// and brackets too.
func parseStat(stat []byte) (time.Duration, error) {
	end := bytes.LastIndexByte(stat, ')')
	fields := strings.Fields(string(stat[end+1:]))
	const user, system = 11, 12 // the 14th and 15th of all, without the first two
	if end < 0 || len(fields) <= system {
		return 0, fmt.Errorf("not a stat of /proc: %.80q", stat)
	}
	var sum uint64
	for _, f := range []string{fields[user], fields[system]} {
		n, err := strconv.ParseUint(f, 10, 63)
		if err != nil {
			return 0, fmt.Errorf("not a stat of /proc: %w", err)
		}
		sum += n
	}
	return time.Duration(sum) * tick, nil
}

// rssOf is the memory of a process that is in RAM, in bytes.
func rssOf(pid int) (uint64, error) {
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		return 0, fmt.Errorf("not a statm of /proc: %.80q", statm)
	}
	pages, err := strconv.ParseUint(fields[1], 10, 40)
	return pages * uint64(os.Getpagesize()), err
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
