import StormEngine
import StormVocabulary

/// Why a path cannot be given to the engine.
struct PathProblem: Error {
  var reason: NotJudged
  var detail: String
}

extension CallFollower {
  /// A path of the program as the engine takes it; magic links of /proc become what they lead to.
  mutating func argument(_ path: TracedPath, of task: Int) throws(PathProblem) -> PathArgument {
    let text: String
    switch path.text {
    case .null: return .null
    case .unreadable(let why): throw PathProblem(reason: .unreadableArgument, detail: why)
    case .text(let string): text = string
    }
    if text.hasPrefix("/") {
      return try magic(text, from: nil, of: task) ?? .path(text)
    }
    if path.directory.isWorkingDirectory {
      if !text.isEmpty { try findDirectory(path.directory.path, of: task, for: text) }
      return try magic(text, from: nil, of: task) ?? .path(text)
    }
    let number = Int(path.directory.number)
    try findDescriptor(path.directory, of: task)
    if text.isEmpty { return .descriptor(number) }
    return try magic(text, from: number, of: task) ?? .relative(number, text)
  }

  /// A descriptor argument as the engine takes it.
  mutating func argument(
    _ descriptor: TracedDescriptor, of task: Int
  ) throws(PathProblem) -> PathArgument {
    try findDescriptor(descriptor, of: task)
    return .descriptor(Int(descriptor.number))
  }

  /// Makes sure that the task's working directory is known, by what the observer saw of it.
  private mutating func findDirectory(
    _ seen: String?, of task: Int, for text: String
  ) throws(PathProblem) {
    guard let state = book[task], !state.knowsDirectory else { return }
    guard let seen, seen.hasPrefix("/") else {
      throw PathProblem(
        reason: .unknownStart,
        detail:
          "\"\(text)\" begins at a working directory that is not in the trace; strace -y or --cwd tells it"
      )
    }
    _ = model.learn(.path(seen), as: .directory, by: state.process)
    _ = model.perform(.chdir(.path(seen)), by: state.process)
    knowDirectory(of: task)
  }

  mutating func knowDirectory(of task: Int) {
    guard let process = book[task]?.process else { return }
    for other in book.tasks.keys where book[other]?.process == process {
      book[other]?.knowsDirectory = true
    }
  }

  /// Makes sure that a descriptor is one of the engine's, by what the observer saw of it.
  private mutating func findDescriptor(
    _ descriptor: TracedDescriptor, of task: Int
  ) throws(PathProblem) {
    guard let process = book[task]?.process else {
      throw PathProblem(reason: .unfollowedTask, detail: "")
    }
    switch book.descriptor(descriptor.number, of: task)?.kind {
    case .place where model.isOpen(Int(descriptor.number), of: process): return
    case nil:
      if let path = descriptor.path, path.hasPrefix("/") {
        _ = model.learn(.path(path), as: .unknown, by: process)
        if model.perform(.open(.path(path), .path, Int(descriptor.number)), by: process) == .none {
          book.set(.init(kind: .place, closeOnExec: false), descriptor.number, of: task)
          return
        }
      }
      // Closed, as far as the trace shows: then the kernel says EBADF, and so does the engine.
      if knowsAllDescriptors(of: task), descriptor.path == nil { return }
      throw PathProblem(
        reason: .unknownStart,
        detail: "descriptor \(descriptor.number) was opened before the trace, or came over a socket"
      )
    default:
      throw PathProblem(
        reason: .notModelled, detail: "descriptor \(descriptor.number) is no place in a mount")
    }
  }

  /// Nobody knows which descriptors a program inherits.
  private func knowsAllDescriptors(of task: Int) -> Bool { false }

  /// What a magic link of a proc file system leads to.
  ///
  /// - Parameter directory: the descriptor that the path begins at; nil for the root or the working directory.
  /// - Returns: nil for a path without one.
  private mutating func magic(
    _ text: String, from directory: Int?, of task: Int
  ) throws(PathProblem) -> PathArgument? {
    guard let place = procPlace(text, from: directory, of: task) else { return nil }
    let words = place.rest
    guard words.count >= 2 else { return nil }
    let isOwn = place.task == task
    switch words[0] {
    case "fd":
      guard let number = Int(words[1]) else { return nil }
      guard isOwn else {
        throw PathProblem(reason: .notModelled, detail: "a descriptor of another process")
      }
      try findDescriptor(TracedDescriptor(Int32(number)), of: task)
      return words.count == 2
        ? .descriptor(number) : .relative(number, words[2...].joined(separator: "/"))
    default: break
    }
    return try link(words, of: place.task, isOwn: isOwn)
  }

  private func link(
    _ words: [Substring], of other: Int, isOwn: Bool
  ) throws(PathProblem) -> PathArgument? {
    guard words[0] == "root" || words[0] == "cwd" else { return nil }
    guard isOwn else {
      throw PathProblem(reason: .notModelled, detail: "\(words[0]) of another process")
    }
    let rest = words[1...].joined(separator: "/")
    return .path(words[0] == "root" ? "/" + rest : rest.isEmpty ? "." : rest)
  }

  /// The task that a path below a proc file system speaks of, and what follows its name.
  ///
  /// `root` and `cwd` themselves are given an empty last word, so that they count as links.
  mutating func procPlace(
    _ text: String, from directory: Int?, of task: Int
  ) -> (task: Int, rest: [Substring])? {
    guard let process = book[task]?.process else { return nil }
    let words = text.split(separator: "/").filter { $0 != "." }
    for (index, word) in words.enumerated() {
      let other: Int
      if word == "self" || word == "thread-self" {
        other = task
      } else if let number = Int(word), book[number] != nil {
        other = number
      } else {
        continue
      }
      let prefix = words[..<index].joined(separator: "/")
      let above: PathArgument
      if let directory {
        above = prefix.isEmpty ? .descriptor(directory) : .relative(directory, prefix)
      } else {
        above = .path(text.hasPrefix("/") ? "/" + prefix : prefix.isEmpty ? "." : prefix)
      }
      guard let place = model.fileSystem(at: above, by: process), place.type == "proc", place.isRoot
      else { continue }
      var rest = Array(words[(index + 1)...])
      if rest == ["root"] || rest == ["cwd"] { rest.append("") }
      return (other, rest)
    }
    return nil
  }
}
