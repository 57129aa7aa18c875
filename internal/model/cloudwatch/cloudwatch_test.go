package cloudwatch

import (
	"strings"
	"testing"

	"awsscanner/internal/model"
)

func TestChildren(t *testing.T) {
	for _, test := range []struct{ rule, suppressor, want string }{
		{``, ``, ``},
		{`ALARM(a) AND (OK(b) OR NOT INSUFFICIENT_DATA("c d"))`, ``, `a|b|c d`},
		{`ALARM("say \"hello\" (now)") OR FALSE`, `quiet`, `say "hello" (now)|quiet`},
		{`AT_LEAST(50%, ALARM, ("a,b", arn:aws:cloudwatch:us-east-1:111122223333:alarm:c))`, ``, `50%|a,b|arn:aws:cloudwatch:us-east-1:111122223333:alarm:c`},
		{`ALARM("OR")`, ``, `OR`}, // what stands in quotes is a name
	} {
		a := &Alarm{Rule: model.Known(test.rule), Suppressor: model.Known(test.suppressor)}
		if got := strings.Join(a.Children(), "|"); got != test.want {
			t.Errorf("%s: %s, want %s", test.rule, got, test.want)
		}
	}
}
