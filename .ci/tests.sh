# shellcheck shell=bash
# Sourced by ./lib.sh: runs of go test, and a look at what they skipped.

# Tests of query plans depend on the server's version alone: they run once for each.
plan_tests='^(TestPlans|TestListsWalkAnIndex|TestScopedPlans|TestSignInUsesIndexes|TestReadsWhateverTheStatistics|TestChangesReadLittle|TestListsReadWhatTheyReturn|TestDeletionsOfManyUsers|TestReadsOfImports|TestQueriesTouchOnePartition)$'

# Tests of what the database has, of values, and of what the server answers, whichever way the question comes: not through poolers.
catalog_tests='^(TestOpenSaysWhatMends|TestSettingsThatDoNotMatter|TestOpenLooksAtTheRoles|TestOpenRefuses|TestCheckConfinedFinds|TestCheckConfinedAccepts|TestSearchInEachLocale|TestCategoriesInEachLocale|TestAddressIsOneAccount|TestStatsModel|TestFirstAndLastTimes|TestCheckConfinedFindsMemberships|TestErrors|TestRefusedTaskOfMany|TestWholeNumbers|TestUpdateChangesEachField|TestCreateStoresEachField|TestNumbersInMetrics|TestAddressesOfAnyKind|TestInvisibleIsWhatTheDatabaseDrops|TestMethodsWithOwnColumns|TestParamsOfEveryQuery|TestFilters|TestFilesThatAreRefused|TestChangesAreReportedOnce|TestNotInFile|TestClockIsRemembered|TestChainOfDependencies|TestEveryColumn|TestDocumentsThatAreAccepted|TestDocumentsThatAreRefused|TestOrder|TestTrackingIsWhole|TestTrackChanges|TestChangesOfStatements|TestStatusesThatNoRuleLeadsTo|TestAnyHistory|TestTaskOrderAndCriticalPath|TestLongChainOfTasks|TestSignInWorkTellsNothing|TestUsernameIsOneAccount|TestProgressModel|TestTriggersSee|TestVersions|TestVersionsAndOwnColumns|TestAddAndRemove|TestRestoreOfEveryColumn|TestForgetDeleted|TestTrashModel|TestLeftOutLinks|TestRestoresAreMarked|TestRestoreWithoutWhatHasGone|TestKeepDeleted|TestDeletedAgain|TestDeletedRowsInPages|TestRollUpsAndVersions|TestBlocking|TestChanged|TestCompletedAtOfMany|TestCreateBlocked|TestIfVersion|TestOtherVersionsDoNotMatter|TestImportAfterARestore|TestImportsAreChanges|TestPagesNeitherSkipNorRepeat|TestCursorsAfterDeletions|TestCriticalPathWithoutHours|TestLevelsOfGoals|TestManyTasks|TestWritersAreThoseOfTheSchema|TestWritersAreThoseOfTheServer|TestWorkOfAGoal|TestEveryColumnHasItsFields|TestGoalLists|TestTiesOfGoalLists|TestTasksAtTheBounds|TestGoalMetrics|TestListTasks|TestListsByDueDate|TestDaysOfAZone|TestSearch|TestTaggedTasks|TestTasksWithoutGoal|TestPageEdges|TestBackFromAnEmptyPage|TestPageRefuses|TestEveryConstraintHasItsError|TestSchemaVersionIsTheLastMigration|TestStatsDays|TestStatsWeeks|TestStatsOfNothing|TestSeriesWhereMidnightComesTwice|TestStatsLengths|TestStatsNow|TestStatsTimeZoneUnknown|TestCompletionRate|TestStatsHours|TestGoalForecast|TestGoalForecastTree|TestRestoreOfNothing|TestZoneThatTheServerLacks|TestZonesAreThoseOfIANA|TestAbbreviatedZone|TestCheckConfinedIsQuiet|TestStrictOpen|TestStrictOpenOfAnOwner|TestNamesAreTrimmed|TestNamesAreRefused|TestAddressIsRefused|TestAddressIsStored|TestTriggersThatBreakProgress|TestTriggersThatRefuse|TestTriggersThatWrite|TestTriggersThatChangeATitle|TestTriggersFireInTheOrderOfTheirNames|TestUpdateOfIsNotWhatChanges|TestStatusesAreThoseOfTheSchema)$'

# Tests of what files and documents hold: once, on the oldest server.
file_tests='^(TestSymbolicLink|TestLongTexts|TestPlannerWritesMeanwhile|TestOpenedMeanwhile|TestLockedFile|TestHotJournal|TestOddNames|TestGoalsInAnyOrder|TestChainUnderRefusedRow|TestUnderRefusedRows|TestRowsWithoutTimes|TestDryRun|TestOnFindingAndProgress|TestImportRefuses|TestSourceIsNotChanged|TestTimes|TestGoalTimes|TestGoalsCompletedAndListed|TestTaskTimesThatContradict|TestUpgradedOn|TestMachinesZone|TestRepairs|TestValuesThatGoTogether|TestNewWorkUnderCompletedGoals|TestChangesInTheFile|TestReaders|TestRowOfAnError|TestUpdatesOfAGoal|TestCycleOfDependencies|TestAddedColumn|TestSince|TestEarlierVersions|TestDependencyOnWhatIsGone)$'

# Tests in which several things happen at once: these run with -race. ./long runs all with it.
concurrent_tests='^(TestAttacks|TestSQLAttacks|TestUsersOfOneConnection|TestProgressUnderWriters|TestTrashUnderWriters|TestRegisterRace|TestDeleteMeetsATransaction|TestHashingWaitsItsTurn|TestAccountChangesMeanwhile|TestTxAfterItsEnd|TestBatchRowsEnd|TestStreamFreesItsConnection|TestCanceledByRequest|TestLostTransactionsAreTriedAgain|TestChangedMeanwhile|TestDeadlockWithAPlainClient|TestCopiesUnderWriters|TestChangesComeInTheOrderOfCommits|TestLostUpdates|TestImportAtOnce|TestOneDatabaseMigratedByManyAtOnce|TestOneDatabaseMigratedByTwoVersionsAtOnce|TestManyDatabasesMigratedAtOnce|TestMigrationKilled|TestOneOfTwoServicesKilled|TestMigrateCanceled|TestDeleteUserCountsWhatIsBeingAdded|TestExportWhileOthersWrite|TestNothingIsMissed|TestOneIsActive|TestTrackedByTwoAtOnce)$'

# Tests of statements that are prepared, and of what is prepared anew: these run through the pooler that knows prepared statements, and all
# through the one that does not. ./long runs them on other servers, too.
statement_tests='^(TestScopedCallIsOneRoundTrip|TestCallInServiceTransactionIsOneRoundTrip|TestBatchIsOneRoundTrip|TestManyOwnStatements|TestUsersOfOneConnection|TestInTx|TestLostTransactionsAreTriedAgain|TestStreamFreesItsConnection|TestBatchRowsEnd|TestAnswerLost|TestImportInEveryExecMode|TestEveryExecMode)$'

# tests COMMAND...: runs a go test command and prints its own lines and what fails. GOFLAGS adds -v to it, so that
# passed and skipped tests are known.
tests() {
	GOFLAGS="${GOFLAGS:-} -v" "$@" |
		awk -v passed="$work/passed" -v skipped="$work/skipped" -v results="$work/results" -f .ci/tests.awk
}

# What asks the server, and so can depend on its version or on a pooler.
server_packages=(./schema ./bizydb ./bizydb/sqliteimport ./bizydb/userdata ./examples/outbox)

# in_container IMAGE COMMAND...
in_container() {
	BIZYDBTEST_WAY=container BIZYDBTEST_IMAGE=$1 TESTCONTAINERS_RYUK_DISABLED=true tests "${@:2}"
}

# benchmark NAME ARGS...: runs a benchmark once, and fails if it is not there.
benchmark() {
	go test -run '^$' -bench "$1" -benchtime 1x -timeout 30m "${@:2}" | tee "$work/benchmark"
	grep --quiet "^Benchmark" "$work/benchmark"
}

# fuzz NAME EXECUTIONS PACKAGE
fuzz() {
	go test -run '^$' -fuzz "$1" -fuzztime "$2x" -fuzzminimizetime 1x -parallel 2 "$3" | tee "$work/fuzz"
	grep --quiet "^fuzz: elapsed" "$work/fuzz"
}

# Tests that take minutes even in their shortest form, which only ./long runs, and those that need Citus, which CI lacks.
long_tests='/faults/patroni TestFailover$|/bizydb (TestTransactionsThatFailOnCitus|TestCopyOfUsersOnCitus)$'

# A test may be skipped in one step if it passes in another. Subtests count with their test.
check_skipped_tests() {
	local never
	touch "$work/passed" "$work/skipped"
	never=$(sort -u "$work/skipped" | comm -23 - <(sort -u "$work/passed") | grep --invert-match --extended-regexp "$long_tests" || true)
	if [[ -n $never ]]; then
		skip "skipped in every step: "$'\n'"$never"
	fi
}

# Names in a pattern that no test has would be left out in silence.
check_names_of_tests() {
	local names wanted found tests
	tests=$(go test -list . "${server_packages[@]}" | grep '^Test') # once: it links them all
	for names in "$plan_tests" "$catalog_tests" "$file_tests" "$concurrent_tests" "$statement_tests"; do
		wanted=$(tr -cd '|' <<<"$names" | wc -c)
		found=$(grep --count --extended-regexp "$names" <<<"$tests")
		if ((found != wanted + 1)); then
			echo "$found tests are called $names"
			return 1
		fi
	done
}
