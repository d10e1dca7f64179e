/// What the first process of a guest is to do; it finds this in ``path``.
struct GuestJob: Hashable, Sendable, Codable {
  static let path = "/nsstorm-job.json"
  /// Stands for the file that the trace is to be written to; the guest knows whether it has a line for it.
  static let tracePlaceholder = "@trace@"
  /// Stands for the file that the command writes its result to.
  static let resultPlaceholder = "@result@"
  static let result = "/run/result.json"
  static let program = "/bin/nsstorm"
  static let profiles = "/profiles"

  /// Arguments of `nsstorm`.
  var arguments: [String]
  /// Module files, in the order in which they are to be loaded.
  var modules: [String]
}
