#include "table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace nq {

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::add_row(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < columns_.size(); ++column) {
    std::size_t width = columns_[column].title.size();
    for (const auto& row : rows_) width = std::max(width, row[column].size());
    widths.push_back(width);
  }
  std::string result;
  const auto add_line = [&](const auto& cell_of) {
    std::string line;
    for (std::size_t column = 0; column < columns_.size(); ++column) {
      const std::string& cell = cell_of(column);
      line += column == 0 ? "" : "  ";
      line += columns_[column].is_number ? fmt::format("{:>{}}", cell, widths[column])
                                         : fmt::format("{:<{}}", cell, widths[column]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    result += line + "\n";
  };
  add_line([this](std::size_t column) -> const std::string& { return columns_[column].title; });
  for (const auto& row : rows_)
    add_line([&row](std::size_t column) -> const std::string& { return row[column]; });
  return result;
}

}  // namespace nq
