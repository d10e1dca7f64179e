import Foundation

/// What an independent model of the same steps found: design, scenario, and each finding with the length
/// of its shortest trace. An empty list means that nothing is violated.
enum ReleaseGolden {
  struct Row: Sendable, CustomStringConvertible {
    var design: String
    var scenario: String
    var findings: [String: Int]
    var description: String { "\(design) \(scenario)" }
  }

  static let rows: [Row] = table.split(separator: "\n").map { line in
    let columns = line.split(separator: "|", omittingEmptySubsequences: false).map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    var findings: [String: Int] = [:]
    for entry in columns[2].split(separator: " ") {
      let parts = entry.split(separator: "=")
      findings[String(parts[0])] = Int(parts[1])
    }
    return Row(design: columns[0], scenario: columns[1], findings: findings)
  }

  /// What D0b shows beyond the independent model, whose lookups with references wait for the lock even while its sequence
  /// looks even (docs/reclamation.md says why that is not so).
  static let finer: [String: [String: Int]] = ["D0b U,L": ["ALIVE_AT_RETURN": 16]]

  private static let table = """
    D0         | U,W    | BUSY_TRANSIENT=8
    D0         | U,F    |
    D0         | L,W    | LATE_DEATH=21
    D0         | L,F    | LATE_DEATH=17
    D0         | L      |
    D0         | U      |
    D0         | U,2W   | BUSY_TRANSIENT=8
    D0         | U,L    | LATE_DEATH=15
    D0         | L,F,W  | LATE_DEATH=17
    D0a        | U,W    | ALIVE_AT_RETURN=21 BUSY_TRANSIENT=8
    D0a        | U,F    |
    D0a        | L,W    | LATE_DEATH=21
    D0a        | L,F    | LATE_DEATH=17
    D0a        | L      |
    D0a        | U      |
    D0a        | U,L    | LATE_DEATH=15
    D0a        | L,F,W  | LATE_DEATH=17
    D0b        | U,W    | ALIVE_AT_RETURN=23 ALIVE_AT_RETURN_REFERENCED=20 BUSY_TRANSIENT=8
    D0b        | U,F    |
    D0b        | L,W    | LATE_DEATH=22
    D0b        | L,F    | LATE_DEATH=18
    D0b        | L      |
    D0b        | U      |
    D0b        | U,L    | LATE_DEATH=16
    D0b        | L,F,W  | LATE_DEATH=18
    D1a        | U,W    | BUSY_TRANSIENT=8
    D1a        | U,F    |
    D1a        | L,W    | CTX_BLOCKS=13 CTX_BYSTANDER=13 CTX_SELF_DEADLOCK=11 LATE_DEATH=10
    D1a        | L,F    | CTX_BLOCKS=15 CTX_BYSTANDER=15 CTX_SELF_DEADLOCK=11 LATE_DEATH=12
    D1a        | L      | CTX_BLOCKS=13 CTX_BYSTANDER=13 CTX_SELF_DEADLOCK=11 LATE_DEATH=10
    D1a        | U      |
    D1a        | U,L    | CTX_BLOCKS=13 CTX_BYSTANDER=13 CTX_SELF_DEADLOCK=11 LATE_DEATH=10
    D1a        | L,F,W  | CTX_BLOCKS=15 CTX_BYSTANDER=15 CTX_SELF_DEADLOCK=11 LATE_DEATH=12
    D1b        | U,W    | BUSY_TRANSIENT=8
    D1b        | U,F    |
    D1b        | L,W    | EARLY_PUT=8 LATE_DEATH=17 LEAK=21
    D1b        | L,F    | EARLY_PUT=8 LATE_DEATH=15 LEAK=16
    D1b        | L      |
    D1b        | U      |
    D1b        | U,L    | EARLY_PUT=13 LATE_DEATH=14 LEAK=21
    D1b        | L,F,W  | EARLY_PUT=8 LATE_DEATH=15 LEAK=18
    D2         | U,W    | BUSY_TRANSIENT=8
    D2         | U,F    |
    D2         | L,W    | LATE_DEATH=10
    D2         | L,F    | LATE_DEATH=12
    D2         | L      | LATE_DEATH=10
    D2         | U      |
    D2         | U,L    | LATE_DEATH=10
    D2         | L,F,W  | LATE_DEATH=12
    D2+        | U,W    | ALIVE_AT_RETURN=10 BUSY_TRANSIENT=8
    D2+        | U,F    | ALIVE_AT_RETURN=12
    D2+        | L,W    | LATE_DEATH=10
    D2+        | L,F    | LATE_DEATH=12
    D2+        | L      | LATE_DEATH=10
    D2+        | U      | ALIVE_AT_RETURN=10
    D2+        | U,L    | ALIVE_AT_RETURN=10 LATE_DEATH=10
    D2+        | L,F,W  | LATE_DEATH=12
    D4         | U,W    | ALIVE_AT_RETURN=17 BUSY_TRANSIENT=8 EARLY_PUT=8 LEAK=21
    D4         | U,F    |
    D4         | L,W    | EARLY_PUT=8 LATE_DEATH=17 LEAK=21
    D4         | L,F    | EARLY_PUT=8 LATE_DEATH=15 LEAK=16
    D4         | L      |
    D4         | U      |
    D4         | U,L    | EARLY_PUT=13 LATE_DEATH=14 LEAK=21
    D4         | L,F,W  | EARLY_PUT=8 LATE_DEATH=15 LEAK=18
    D5         | U,W    | ALIVE_AT_RETURN=21 BUSY_TRANSIENT=8
    D5         | U,F    |
    D5         | L,W    | LATE_DEATH=21
    D5         | L,F    | LATE_DEATH=17
    D5         | L      |
    D5         | U      |
    D5         | U,2W   | ALIVE_AT_RETURN=21 BUSY_TRANSIENT=8
    D5         | U,L    | LATE_DEATH=15
    D5         | L,F,W  | LATE_DEATH=17
    D4+D5      | U,W    | ALIVE_AT_RETURN=17 BUSY_TRANSIENT=8 EARLY_PUT=8
    D4+D5      | U,F    |
    D4+D5      | L,W    | EARLY_PUT=8 LATE_DEATH=17 LEAK=21
    D4+D5      | L,F    | EARLY_PUT=8 LATE_DEATH=15 LEAK=16
    D4+D5      | L      |
    D4+D5      | U      |
    D4+D5      | U,L    | EARLY_PUT=13 LATE_DEATH=14 LEAK=21
    D4+D5      | L,F,W  | EARLY_PUT=8 LATE_DEATH=15 LEAK=18
    D7n        | U,W    | ALIVE_AT_RETURN=14 BUSY_TRANSIENT=8
    D7n        | U,F    | ALIVE_AT_RETURN=16
    D7n        | L,W    | LATE_DEATH=14
    D7n        | L,F    | LATE_DEATH=16
    D7n        | L      | LATE_DEATH=14
    D7n        | U      | ALIVE_AT_RETURN=14
    D7n        | U,L    | ALIVE_AT_RETURN=14 LATE_DEATH=14
    D7n        | L,F,W  | LATE_DEATH=16
    D7w        | U,W    | BUSY_TRANSIENT=8
    D7w        | U,F    |
    D7w        | L,W    | LATE_DEATH=21
    D7w        | L,F    | LATE_DEATH=17
    D7w        | L      |
    D7w        | U      |
    D7w        | U,L    | LATE_DEATH=15
    D7w        | L,F,W  | LATE_DEATH=17
    D10-inline | U,W    | BUSY_TRANSIENT=8
    D10-inline | U,F    |
    D10-inline | L,W    | LATE_DEATH=21
    D10-inline | L,F    |
    D10-inline | L      |
    D10-inline | U      |
    D10-inline | U,L    | LATE_DEATH=15
    D10-inline | L,F,W  | LATE_DEATH=23
    """
}
