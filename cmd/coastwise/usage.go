package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError says of a flag that cannot be read what it wants, in our words and
// not in those of the parser.
func flagError(_ *cobra.Command, err error) error {
	wrong, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return usageError{err}
	}
	f := wrong.GetFlag()
	return usagef("--%s: %q: want %s", f.Name, wrong.GetValue(), wants(f))
}

// wants says what a flag takes.
func wants(f *pflag.Flag) string {
	switch kind := f.Value.Type(); {
	case strings.HasSuffix(f.Name, "port") && kind == "uint32":
		return "a port: 0 to 65535"
	case strings.HasPrefix(kind, "uint"):
		return "a whole number that is not negative"
	case strings.HasPrefix(kind, "int"):
		return "a whole number"
	case kind == "duration":
		return "a duration, as 10ms or 2s"
	case kind == "bool":
		return "true or false"
	default:
		return fmt.Sprintf("a %s", kind)
	}
}

// newHelp is cobra's help, except that a command that is not there is wrong
// usage.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about a command",
		Long: `help prints the long text, the examples and the flags of a command.

Exit codes: 0 printed; 2 there is no such command.`,
		Example:           `  coastwise help translate`,
		ValidArgsFunction: helpNames,
		Args:              cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil {
				return usageError{err}
			}
			if err := noArgs(about, rest); err != nil {
				return err
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

// helpNames are the commands that help knows.
func helpNames(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	about, rest, err := cmd.Root().Find(args)
	if err != nil || len(rest) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, sub := range about.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return offer(names, typed)
}
