import StormKernel
import StormRun

/// JUnit XML as CI systems read it (`docs/schemas/junit.xsd`): one suite for a run, one test case for each planned case.
public struct JUnit {
  public let text: String

  public init(_ record: RunRecord) {
    let began = record.began
    let cases = record.cases
    func count(_ statuses: Set<CaseResult.Status>) -> Int {
      cases.count { statuses.contains($0.status) }
    }
    let failures = count([.failed])
    let errors = count([.error, .timedOut])
    let skipped = count([.skipped])
    let seconds = Self.seconds(record.elapsedNanoseconds)
    var lines = [
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
      "<testsuites tests=\"\(cases.count)\" failures=\"\(failures)\" errors=\"\(errors)\" "
        + "skipped=\"\(skipped)\" time=\"\(seconds)\">",
      "  <testsuite name=\"\(XMLText.attribute("nsstorm.\(began.profile)"))\" "
        + "tests=\"\(cases.count)\" failures=\"\(failures)\" errors=\"\(errors)\" "
        + "skipped=\"\(skipped)\" time=\"\(seconds)\" "
        // The format's time has no zone; it is UTC.
        + "timestamp=\"\(XMLText.attribute(String(began.startedAt.prefix { $0 != "Z" })))\" "
        + "hostname=\"\(XMLText.attribute(began.machine.name))\">",
      "    <properties>",
    ]
    let properties = [
      ("run", began.run.description), ("kernel", began.kernel.release),
      ("build", began.kernel.build), ("rules", began.rules), ("seed", began.seed),
      ("tool", began.tool), ("outcome", record.ended?.outcome.rawValue ?? "killed"),
    ]
    for (name, value) in properties {
      lines.append("      <property name=\"\(name)\" value=\"\(XMLText.attribute(value))\"/>")
    }
    lines.append("    </properties>")
    for result in cases { lines += Self.lines(result, suite: began.profile) }
    lines += ["  </testsuite>", "</testsuites>"]
    text = lines.joined(separator: "\n") + "\n"
  }

  private static func lines(_ result: CaseResult, suite: String) -> [String] {
    let head =
      "    <testcase classname=\"\(XMLText.attribute("nsstorm.\(suite)"))\" "
      + "name=\"\(XMLText.attribute(result.name))\" time=\"\(seconds(result.nanoseconds))\""
    let reason = XMLText.attribute(result.reason ?? "")
    let details = XMLText.content(result.details.joined(separator: "\n"))
    switch result.status {
    case .passed: return [head + "/>"]
    case .skipped: return [head + ">", "      <skipped message=\"\(reason)\"/>", "    </testcase>"]
    case .knownIssue:
      // There is no word for it in the format; a test that passed may say something.
      return [
        head + ">", "      <system-out>known issue: \(reason)\n\(details)</system-out>",
        "    </testcase>",
      ]
    case .failed:
      return [
        head + ">",
        "      <failure type=\"\(type(of: result))\" message=\"\(reason)\">\(details)</failure>",
        "    </testcase>",
      ]
    case .timedOut, .error:
      let type = result.status == .timedOut ? "timeout" : "error"
      return [
        head + ">", "      <error type=\"\(type)\" message=\"\(reason)\">\(details)</error>",
        "    </testcase>",
      ]
    }
  }

  private static func type(of failure: CaseResult) -> String {
    switch CaseList.RunAspect.allCases.first(where: { failure.name.hasSuffix(".\($0.rawValue)") }) {
    case .kernelHealth: "fault"
    case .released: "leak"
    case .meaningful: "vacuous"
    case nil: "divergence"
    }
  }

  private static func seconds(_ nanoseconds: UInt64) -> String {
    let thousandths = nanoseconds / 1_000_000
    let fraction = "\(thousandths % 1_000)"
    return "\(thousandths / 1_000).\(String(repeating: "0", count: 3 - fraction.count))\(fraction)"
  }
}
