#include "gate_reports.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace nq {
namespace {

std::string xml_text(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      default:
        // XML 1.0 knows no other control characters.
        escaped += static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' ? '?' : c;
    }
  }
  return escaped;
}

/// Values of workflow commands escape what would end them.
std::string command_text(const std::string& text, bool is_property) {
  std::string escaped;
  for (const char c : text) {
    if (c == '%' || c == '\r' || c == '\n' || (is_property && (c == ':' || c == ','))) {
      escaped += fmt::format("%{:02X}", static_cast<int>(c));
    } else {
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace

std::string junit_xml(const std::string& model, const std::vector<GateResult>& gates, double seconds) {
  const auto failures = std::count_if(gates.begin(), gates.end(), [](const GateResult& gate) { return !gate.passed; });
  std::string text = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuites tests=\"{0}\" failures=\"{1}\">\n"
      "  <testsuite name=\"nqcli {2}\" tests=\"{0}\" failures=\"{1}\" errors=\"0\" time=\"{3:.3f}\">\n",
      gates.size(), failures, xml_text(model), seconds);
  for (const GateResult& gate : gates) {
    text += fmt::format("    <testcase classname=\"nqcli.gates\" name=\"{}\">\n", xml_text(gate.name));
    if (!gate.passed) text += fmt::format("      <failure message=\"{}\"/>\n", xml_text(gate.statement));
    text += fmt::format("      <system-out>{}</system-out>\n    </testcase>\n", xml_text(gate.statement));
  }
  return text + "  </testsuite>\n</testsuites>\n";
}

std::string github_annotations(const std::string& model, const std::vector<GateResult>& gates) {
  std::string text;
  for (const GateResult& gate : gates) {
    text += fmt::format("::{} title={}::{}\n", gate.passed ? "notice" : "error",
                        command_text(fmt::format("{} of {}", gate.name, model), true), command_text(gate.statement, false));
  }
  return text;
}

}  // namespace nq
