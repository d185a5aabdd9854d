#include "error_report.hpp"

#include <cstdio>
#include <new>

#include "document.hpp"
#include "log_output.hpp"
#include "nq/error.hpp"
#include "suggestions.hpp"

namespace nq {
namespace {

const CLI::App& innermost_command(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : *chosen.front();
}

std::string full_name(const CLI::App& app, const CLI::App& command) {
  return &command == &app ? app.get_name() : app.get_name() + " " + command.get_name();
}

/// Long options and subcommands of a command.
std::vector<std::string> known_words(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  }
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    words.push_back(command->get_name());
  }
  return words;
}

std::string usage_text(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = innermost_command(app);
  const std::string program = full_name(app, command);
  std::string text = error.what();
  for (const std::string& word : app.remaining(true)) {
    const std::string flag = word.substr(0, word.find('='));
    if (const auto suggestion = nearest(flag, known_words(command))) {
      text += " · did you mean '" + *suggestion + "'?";
      break;
    }
  }
  return text + " · hint: see '" + program + " --help'";
}

std::string help_text(const CLI::App& app) {
  const CLI::App& command = innermost_command(app);
  return command.help(&command == &app ? "" : app.get_name());
}

int report(ErrorKind kind, const std::string& text) {
  print_error(to_string(kind), text);
  return exit_code(kind);
}

/// Help or version, as asked for.
int print_requested(const CLI::App& app, const CLI::ParseError& request) {
  const bool is_version = request.get_name() == "CallForVersion";
  try {
    print_text(is_version ? std::string(request.what()) + "\n" : help_text(app));
    return 0;
  } catch (const Error& error) {
    return report(error.kind(), error.full_text());
  }
}

int report_parse_error(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return print_requested(app, error);
  const bool no_arguments = app.get_subcommands().empty() && app.remaining().empty();
  if (no_arguments) std::fputs(help_text(app).c_str(), stderr);
  return report(ErrorKind::usage, usage_text(app, error));
}

}  // namespace

int report_current_exception(const CLI::App& app) {
  try {
    throw;
  } catch (const CLI::ParseError& error) {
    return report_parse_error(app, error);
  } catch (const Error& error) {
    return report(error.kind(), error.full_text());
  } catch (const std::bad_alloc&) {
    return report(ErrorKind::resource, "not enough memory · hint: lower --max-memory or --threads, or lift the limit of the process");
  } catch (const std::exception& error) {
    return report(ErrorKind::internal, error.what());
  }
}

}  // namespace nq
