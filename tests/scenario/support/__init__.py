# SPDX-License-Identifier: GPL-2.0-or-later
"""The harness of the scenario tests: a daemon, peers of our own, and clients that others wrote."""
