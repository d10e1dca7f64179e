/// One thing that is wrong in a profile, with its place.
public struct ProfileProblem: Hashable, Sendable, CustomStringConvertible {
  public var file: String
  /// Starts at 1, as does ``column``.
  public var line: Int
  public var column: Int
  /// What is wrong, with the offending value and the allowed ones.
  public var message: String

  public var description: String { "\(file):\(line):\(column): \(message)" }
}

/// Why a profile cannot be used.
public enum ProfileError: Error, Sendable, CustomStringConvertible {
  /// Nothing of that name was found; with the places that were searched and the names that are there.
  case notFound(name: String, searched: [String], known: [String])
  case unreadable(file: String, reason: String)
  /// At least one problem, in the order of the file.
  case invalid([ProfileProblem])

  public var description: String {
    switch self {
    case .notFound(let name, let searched, let known):
      let similar = nearest(to: name, among: known).map { "; did you mean '\($0)'?" } ?? ""
      let places = searched.isEmpty ? "nowhere to look" : searched.joined(separator: ", ")
      let choice =
        known.isEmpty
        ? "Give the path of a profile, or set NSSTORM_PROFILES to a folder of profiles."
        : "Profiles there: \(known.joined(separator: ", "))."
      return "no profile '\(name)' (searched: \(places))\(similar)\n\(choice)"
    case .unreadable(let file, let reason):
      return "cannot read the profile \(file): \(reason)"
    case .invalid(let problems):
      return problems.map(\.description).joined(separator: "\n")
    }
  }
}

/// The candidate that a misspelt word most likely meant, or nil where none is close.
func nearest(to word: String, among candidates: [String]) -> String? {
  let close = candidates.map { (candidate: $0, distance: editDistance(word, $0)) }
    .filter { $0.distance <= max(1, $0.candidate.count / 3) }
  return close.min { $0.distance < $1.distance }?.candidate
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
private func editDistance(_ left: String, _ right: String) -> Int {
  let a = Array(left.lowercased().prefix(64))
  let b = Array(right.lowercased().prefix(64))
  var beforePrevious: [Int] = []
  var previous = Array(0...b.count)
  for i in a.indices {
    var current = [i + 1]
    for j in b.indices {
      var best = min(
        previous[j + 1] + 1, current[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
        best = min(best, beforePrevious[j - 1] + 1)
      }
      current.append(best)
    }
    beforePrevious = previous
    previous = current
  }
  return previous[b.count]
}
