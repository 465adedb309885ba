module github.com/coastwise/coastwise/e2e

go 1.26.0

replace github.com/coastwise/coastwise => ../

require pgregory.net/rapid v1.3.0
