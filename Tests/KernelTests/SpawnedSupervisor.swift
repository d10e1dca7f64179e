import Glibc
import Testing

/// The storming supervisor as a process of its own.
final class SpawnedSupervisor {
  let pid: Int32
  private let output: Int32
  private var status: Int32?

  convenience init(seed: Int, waitsUntilReady: Bool = true) throws {
    try self.init(arguments: ["\(seed)"], waitsUntilReady: waitsUntilReady)
  }

  /// - Parameter arguments: a seed for a storm; `guard` and a path for a setting under guard.
  init(arguments words: [String], waitsUntilReady: Bool = true) throws {
    let executable = try #require(linkTarget("/proc/self/exe"))
    let directory = executable.split(separator: "/").dropLast().joined(separator: "/")
    let path = "/\(directory)/StormSupervisor"
    try #require(access(path, X_OK) == 0, "\(path) is not built")
    var pipes: [Int32] = [0, 0]
    try #require(pipe(&pipes) == 0)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, pipes[1], 1)
    for descriptor in pipes { posix_spawn_file_actions_addclose(&actions, descriptor) }
    let arguments = ([path] + words).map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var child: Int32 = 0
    let result = posix_spawn(&child, path, &actions, nil, arguments, environ)
    posix_spawn_file_actions_destroy(&actions)
    close(pipes[1])
    try #require(result == 0)
    pid = child
    output = pipes[0]
    guard waitsUntilReady else { return }
    let line = readLine()
    guard line == "ready" else {
      end()
      try #require(line == "ready", "the supervisor did not come so far")
      return
    }
  }

  /// The next line, waited for at most 10 s.
  func readLine() -> String? {
    var text: [UInt8] = []
    var byte: UInt8 = 0
    while true {
      var ready = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
      guard poll(&ready, 1, 10_000) > 0, read(output, &byte, 1) == 1 else {
        return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
      }
      if byte == UInt8(ascii: "\n") { return String(decoding: text, as: UTF8.self) }
      text.append(byte)
    }
  }

  /// The zygote: the only child.
  var zygote: ProcessEntry? {
    ProcessEntry.all().first { $0.parent == pid && $0.name == "nss-zygote" }
  }

  /// The processes of the tool but the supervisor: all that are in the session that the zygote began.
  static func processes(ofSession session: Int32) -> [ProcessEntry] {
    ProcessEntry.all().filter { $0.session == session }
  }

  /// The exit status (signals as 128 + number), waited for at most so many seconds.
  func waitForEnd(within seconds: Double) -> Int32? {
    if let status { return status }
    var word: Int32 = 0
    guard eventually(within: seconds, { waitpid(pid, &word, WNOHANG) == pid }) else { return nil }
    status = word & 0x7f == 0 ? (word >> 8) & 0xff : 128 + (word & 0x7f)
    return status
  }

  /// Ends it, if it has not ended: no test leaves one behind, however it failed.
  func end() {
    if status == nil {
      kill(pid, SIGKILL)
      _ = waitForEnd(within: 10)
    }
    close(output)
  }
}
