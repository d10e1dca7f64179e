/// What the fleet itself could not do. What happens inside a guest is a ``VMOutcome``, never one of these.
public enum FleetError: Error, Hashable, Sendable {
  /// A program of the host is missing.
  case toolMissing(String, package: String)
  /// A program of the host failed.
  case toolFailed(command: String, status: String, output: String)
  /// A program of the host took too long and was ended.
  case toolTooSlow(command: String, limitSeconds: Int)
  /// A system call of the harness failed.
  case system(attempt: String, reason: String)
  /// A kernel that was asked for is in none of the suites.
  case kernelNotFound(wanted: String, available: [String])
  /// A kernel specification that cannot be understood.
  case badKernel(String, reason: String)
  /// A symptom that cannot be understood.
  case badSymptom(String, reason: String)
  /// A shard that cannot be understood.
  case badShard(String, reason: String)
  /// A file that is not what it should be.
  case damaged(file: String, reason: String)
}

extension FleetError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .toolMissing(let tool, let package):
      return "\(tool) is missing; install it: apt-get install --no-install-recommends \(package)"
    case .toolFailed(let command, let status, let output):
      return "`\(command)` ended with \(status):\n\(output)"
    case .toolTooSlow(let command, let limit):
      return "`\(command)` did not end within \(limit) s and was killed; try again, or look at "
        + "the network when it downloads"
    case .system(let attempt, let reason):
      return "could not \(attempt): \(reason)"
    case .kernelNotFound(let wanted, let available):
      let list = available.isEmpty ? "none" : available.joined(separator: ", ")
      return "no Debian suite has a kernel \(wanted); there are: \(list)"
    case .badKernel(let text, let reason):
      return "\"\(text)\" is no kernel: \(reason); write debian:6.12.107, debian:6.12 (its newest "
        + "update), debian:7.3.4-rt, or the path of a bzImage or vmlinux"
    case .badSymptom(let text, let reason):
      return
        "\"\(text)\" is no symptom: \(reason); write known:ISSUE, divergence (any that nothing "
        + "explains), a signature such as 'unshare: wrong unbindable', fault, fault:KIND, or "
        + "latency:FIELD>NUMBER"
    case .badShard(let text, let reason):
      return "\"\(text)\" is no shard: \(reason); write 2/8, or auto/8 in a job array"
    case .damaged(let file, let reason):
      return "\(file) is damaged: \(reason); remove it and try again"
    }
  }
}
