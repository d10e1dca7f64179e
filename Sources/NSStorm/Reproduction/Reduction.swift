/// Delta debugging over a list: takes elements away as long as a test still holds.
///
/// Large pieces go first, from the end to the beginning, because what stands late depends on what stands early. The result
/// is 1-minimal: no single element can be taken away, which the last pass has tried for each of them.
public struct Reduction<Element> {
  /// What is left, and what is known of it.
  public struct Result {
    public var elements: [Element]
    /// Every single removal was tried on exactly these elements and lost the property.
    public var isMinimal: Bool
  }

  /// Whether a shorter list still has the property; nil ends the reduction. A list may come back shorter than it went in.
  public typealias Test<Failure: Error> = ([Element]) throws(Failure) -> Verdict

  public enum Verdict {
    /// The property holds for these elements, which are the given ones or fewer.
    case holds([Element])
    case fails
    /// Nobody wants to know any more.
    case stop
  }

  /// - Parameter elements: has the property.
  public static func reduce<Failure: Error>(
    _ elements: [Element], test: Test<Failure>
  ) throws(Failure) -> Result {
    var current = elements
    var size = max(1, current.count / 2)
    while true {
      var hasShrunk = false
      var end = current.count
      while end > 0 {
        let start = max(0, end - size)
        let candidate = Array(current[..<start] + current[end...])
        switch try test(candidate) {
        case .holds(let smaller):
          hasShrunk = true
          current = smaller
          end = min(start, current.count)
        case .fails: end = start
        case .stop: return Result(elements: current, isMinimal: false)
        }
      }
      if size > 1 {
        size = max(1, min(size, current.count) / 2)
      } else if !hasShrunk {
        return Result(elements: current, isMinimal: true)
      }
    }
  }
}
