import StormEngine
import StormVerdict

extension Divergence {
  /// What the rule says that decided the prediction; nil where it is not known.
  var decidingRule: Rule.Explanation? {
    rule.flatMap { name in Rule.allCases.first { "\($0)" == name } }?.explanation
  }
}
