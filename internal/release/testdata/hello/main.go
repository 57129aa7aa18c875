// Command hello is as small as a program can be: how it is built is how the scanner is built.
package main

var version = "unknown"

func main() { println("hello", version) }
