#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "nq/report.hpp"
#include "report/html_text.hpp"

namespace nq {

/// Attributes of tables of single layers: hundreds of them would drown the landmarks of a page.
inline constexpr const char* kInDetails = " class=detail";

/// A table whose first column and first row are headings. Cells are HTML, the caption is plain text of our own. End tags that HTML
/// lets a writer leave out are left out of the rows: a page has thousands of them.
class HtmlTable {
 public:
  HtmlTable(const std::string& caption, const std::vector<std::string>& columns, const std::string& attributes = {}) {
    text_ = "<div class=scroll tabindex=0";
    if (attributes != kInDetails) text_ += fmt::format(" role=region aria-label=\"{}\"", caption);
    text_ += fmt::format("><table{}><caption>{}</caption><thead><tr>", attributes, caption);
    for (const std::string& column : columns) text_ += "<th scope=col>" + column;
    text_ += "<tbody>\n";
  }

  void row(const std::vector<std::string>& cells, const std::string& attributes = {}) {
    text_ += "<tr" + attributes + ">";
    for (std::size_t k = 0; k < cells.size(); ++k) text_ += (k == 0 ? "<th scope=row>" : "<td>") + cells[k];
    text_ += "\n";
  }

  std::string finish() { return text_ + "</table></div>\n"; }

 private:
  std::string text_;
};

/// A foreign name within the page: its direction of writing does not reach what stands beside it.
inline std::string html_name(std::string_view text) { return "<bdi>" + html_text(text) + "</bdi>"; }

/// `first`, then the name of every quantized model.
inline std::vector<std::string> model_columns(const Report& report, const std::vector<std::string>& first) {
  std::vector<std::string> columns = first;
  for (const ReportModel& model : report.models) columns.push_back(html_name(model.label));
  return columns;
}

}  // namespace nq
