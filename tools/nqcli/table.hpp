#pragma once

#include <string>
#include <vector>

namespace nq {

/// A text table: the first column and those marked as text are left-aligned, numbers right-aligned.
class Table {
 public:
  struct Column {
    std::string title;
    bool is_number = false;
  };

  explicit Table(std::vector<Column> columns);

  /// One cell per column.
  void add_row(std::vector<std::string> cells);

  /// Header and rows, columns two blanks apart, no trailing blanks.
  std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace nq
