import Foundation
import Testing

/// What `ci/install` puts into the shells' folders.
@Suite struct CompletionTests {
  @Test(arguments: ["bash", "zsh", "fish"])
  func `a completion script knows every subcommand`(shell: String) throws {
    let script = try BuiltCommand.run(["--generate-completion-script", shell])
    #expect(script.status == 0 && !script.output.isEmpty, "\(script.errors)")
    let names = try BuiltCommand.run(["--help"]).output.matches(of: /(?m)^  ([a-z]+) {2,}/)
      .map { String($0.output.1) }
    #expect(names.count > 15 && names.contains("replay"), "\(names)")
    for name in names { #expect(script.output.contains(name), "\(shell): no \(name)") }
    guard shell == "bash" else { return }
    let file = try TemporaryFile(suffix: ".bash")
    try script.output.write(to: file.url, atomically: false, encoding: .utf8)
    let check = Process()
    check.executableURL = URL(fileURLWithPath: "/bin/bash")
    check.arguments = ["-n", file.url.path]
    try check.run()
    check.waitUntilExit()
    #expect(check.terminationStatus == 0)
  }
}
